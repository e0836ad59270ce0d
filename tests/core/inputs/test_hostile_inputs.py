"""Files and names of any content are read or refused with an error for the reader; none hangs, none takes all memory.

What fuzzing found is an example here; Hypothesis goes on looking.
"""

import contextlib
import json
import os
import pickle
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vp_tui.core.errors import VpTuiError
from vp_tui.core.inputs import fair_esm, sequences
from vp_tui.core.inputs.hf_config import safetensors_header
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.store.query.parser import parse
from vp_tui.core.thresholds import read_thresholds
from vp_tui.tui.keyfile import read_keys

FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
CONFIG = {
    "model_type": "esm", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "vocab_size": 33, "position_embedding_type": "rotary", "layer_norm_eps": 1e-5, "emb_layer_norm_before": False,
    "token_dropout": True, "pad_token_id": 1, "mask_token_id": 32, "max_position_embeddings": 1026,
}  # fmt: skip
VALUES = st.sampled_from(
    [None, True, 0, -1, 10**9, 10**30, 1.5, float("nan"), "", "esm", "x" * 300, [], {}, [1], {"a": 1}, ["EsmModel"]]
)
RAW = (b"", b"[", b"[" * 100_000, b'{"a":' * 100_000, b'{"hidden_size": ' + b"9" * 5000 + b"}", b"\xff\xfe", b"null")


def refused_or_read(call):
    """The call succeeds, or raises what a reader can use."""
    with contextlib.suppress(VpTuiError):
        call()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint folder whose config.json a test writes."""
    return tmp_path_factory.mktemp("checkpoint")


@FUZZ
@given(st.dictionaries(st.sampled_from([*CONFIG, "architectures", "auto_map", "quantization_config"]), VALUES))
@example({"model_type": ["esm"], "position_embedding_type": None})
@example({"num_hidden_layers": 2**31})
@example({"hidden_size": 10**9, "num_attention_heads": 1})
def test_any_value_in_a_config_is_read_or_refused(folder, changes):
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    refused_or_read(lambda: read_spec(folder))


@pytest.mark.parametrize("content", RAW, ids=[content[:6].hex() for content in RAW])
def test_a_file_that_is_no_json_is_refused_by_name(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(VpTuiError, match=r"config\.json"):
        read_spec(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder"])
@pytest.mark.parametrize("reader", [lambda path: read_spec(path.parent), read_thresholds, read_keys])
def test_what_is_no_file_neither_hangs_nor_takes_all_memory(tmp_path, kind, reader):
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(VpTuiError):
        reader(path)


TOML = (
    b"a = " + b"[" * 100_000,
    b"M1.fail = " + b"1" * 5000,
    b"a" + b".a" * 30_000 + b" = 1",
    b"\xff",
    b"a = {b=" * 9_000,
)


@FUZZ
@given(st.binary(max_size=200) | st.text(alphabet='M1.fail="[]{}=#\n aé').map(str.encode))
@example(TOML[0])
@example(TOML[1])
@example(TOML[2])
@example(TOML[3])
@example(TOML[4])
def test_any_bytes_are_thresholds_and_keys_or_refused(folder, content):
    path = folder / "file.toml"
    path.write_bytes(content)
    refused_or_read(lambda: read_thresholds(path))
    refused_or_read(lambda: read_keys(path))


@FUZZ
@given(st.text(max_size=60) | st.text(alphabet="name:>=<()ORNT \"'*.-0123456789", max_size=60))
@example("(" * 5000)
@example("NOT " * 5000)
@example("speedup>" + "9" * 5000)
def test_any_text_is_a_query_or_refused(text):
    refused_or_read(lambda: parse(text))


@FUZZ
@given(st.binary(max_size=300) | st.text(alphabet=">@+ACGTMK*-\n\r\t ;\0é", max_size=200).map(str.encode))
@example(b"@a\n\n+\n\n")
@example(b">\n>\n>")
@example(b"\x1f\x8b\x08")
@example(b"BZh9")
@example(b"\xfd7zXZ\0")
@example(b"\x28\xb5\x2f\xfd")
def test_any_bytes_are_sequences_or_refused(folder, content):
    path = folder / "file.fa"
    path.write_bytes(content)
    refused_or_read(lambda: sequences.read(str(path)))


@FUZZ
@given(st.binary(max_size=200), st.integers(0, 2**64 - 1))
@example(b"[" * 100_000, 100_000)
@example(b"", 2**63)
def test_any_header_of_a_safetensors_file_is_read_or_empty(folder, content, length):
    path = folder / "file.safetensors"
    path.write_bytes(struct.pack("<Q", length) + content)
    assert isinstance(safetensors_header(path), dict)


@pytest.mark.parametrize(
    "name", ["x" * 300, "a/" * 3000, "~nosuchuser/x", "a\0b", "", ".", "/dev/null", "/proc/self/mem"]
)
def test_any_name_of_a_model_or_a_sequence_file_is_read_or_refused(name):
    refused_or_read(lambda: resolve(name))
    refused_or_read(lambda: sequences.read(name))


def archive(path, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as made:
        made.writestr("x/data.pkl", content)


@FUZZ
@given(st.binary(max_size=300))
@example(pickle.dumps({"model": bytearray(10)}))
@example(b"\x80\x02Nr\xff\xff\xff\x7f.")
@example(b"\x80\xff.")
@example(b".")
@example(b"(" * 100_000)
def test_any_pickle_in_a_file_of_torch_is_refused_and_nothing_in_it_runs(folder, content):
    path = folder / "model.pt"
    archive(path, content)
    refused_or_read(lambda: fair_esm.read(path))


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    archive(path, b"\0" * 2**26, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    with pytest.raises(VpTuiError, match="compressed"):
        fair_esm.read(path)


def test_a_hostile_pickle_cannot_change_the_class_of_the_command_lines_options(tmp_path):
    import argparse

    before = argparse.Namespace.__init__
    program = b"cargparse\nNamespace\n}S'__init__'\nI5\nsb."
    archive(tmp_path / "model.pt", program)
    refused_or_read(lambda: fair_esm.read(tmp_path / "model.pt"))
    assert argparse.Namespace.__init__ is before
