"""Ways to damage a valid file: as bytes, as values of its JSON, or inside a part of its archive.

The last two keep an outer checksum or length right, which would keep the damage from the code behind it.
"""

import io
import json
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

ODD = (None, True, 0, -1, 2**31, 10**9, 10**30, 1.5, float("nan"), float("inf"), "", "x", "\0", "\udc80", "x" * 300, [],
       {}, [1], [[]], {"a": 1}, ["EsmModel"], {"": None})  # fmt: skip
"""What a value of JSON is replaced by."""
Edit = tuple[str, int, int, bytes]


def edited(content: bytes, edits: Sequence[Edit]) -> bytes:
    """`content` after each edit: what to do, where (of 65,536), how many bytes, and which."""
    for what, where, length, word in edits:
        at = where * (len(content) + 1) >> 16
        if what == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ 1 << length % 8]) + content[at + 1 :]
        elif what == "insert":
            content = content[:at] + word + content[at:]
        elif what == "replace":
            content = content[:at] + word + content[at + len(word) :]
        elif what == "remove":
            content = content[:at] + content[at + length :]
        elif what == "repeat":
            content = content[:at] + content[at : at + length] * 3 + content[at + length :]
        elif what == "cut":
            content = content[:at]
    return content


NUMBERS = tuple(struct.pack(kind, number) for kind in ("<I", ">I", "<Q") for number in (0, 1, 2**31 - 1, 2**32 - 1))
WORDS = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"-1",
    b"1e999",
    b"nan",
    b"9" * 5000,
    b"[" * 2000,
    b"\n",
    b"\r",
    b'"',
    *NUMBERS,
)
KINDS = ("flip", "insert", "replace", "remove", "repeat", "cut")


def edits(words: Sequence[bytes]) -> st.SearchStrategy[list[Edit]]:
    word = st.sampled_from((*words, *WORDS)) | st.binary(max_size=6)
    one = st.tuples(st.sampled_from(KINDS), st.integers(0, 2**16 - 1), st.integers(0, 40), word)
    return st.lists(one, min_size=1, max_size=5)


def replaced(value: Any, at: int, new: Any) -> tuple[Any, int]:
    """`value` with its `at`-th inner value (depth first) replaced, and what is left of `at`."""
    if at == 0:
        return new, -1
    at -= 1
    if isinstance(value, dict):
        made = {}
        for name, inner in value.items():
            made[name], at = (inner, -1) if at < 0 else replaced(inner, at, new)
        return made, at
    if isinstance(value, list):
        items = []
        for inner in value:
            item, at = (inner, -1) if at < 0 else replaced(inner, at, new)
            items.append(item)
        return items, at
    return value, at


def json_damaged(documents: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """JSON of a document with one to three of its values replaced."""

    def made(document: Any, changes: list[tuple[int, Any]]) -> bytes:
        for at, new in changes:
            document = replaced(document, at, new)[0]
        return json.dumps(document).encode()

    change = st.tuples(st.integers(0, 40), st.sampled_from(ODD))
    return st.builds(made, st.sampled_from(documents), st.lists(change, min_size=1, max_size=3))


def parts_damaged(archives: Sequence[bytes], words: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """A zip file, valid but for the content of one of its parts."""

    def made(archive: bytes, number: int, changes: list[Edit]) -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(written, "w") as new:
            for index, name in enumerate(names := old.namelist()):
                content = old.read(name)
                new.writestr(name, edited(content, changes) if index == number % len(names) else content)
        return written.getvalue()

    return st.builds(made, st.sampled_from(archives), st.integers(0, 63), edits(words))


def headers_damaged(files: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """A safetensors file whose header has other values or bytes; its length fits."""

    def made(header: bytes, rest: bytes) -> bytes:
        return struct.pack("<Q", len(header)) + header + rest

    pairs = [(file[8 : 8 + int.from_bytes(file[:8], "little")], file[8 + int.from_bytes(file[:8], "little") :])
             for file in files]  # fmt: skip
    return st.sampled_from(pairs).flatmap(
        lambda pair: (
            st.builds(made, json_damaged([json.loads(pair[0])]), st.just(pair[1]))
            | st.builds(lambda changes: made(edited(pair[0], changes), pair[1]), edits(()))
        )
    )
