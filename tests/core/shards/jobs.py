"""Folders of jobs as `vp-tui embed -o FOLDER/` leaves them, made without a model: a file's bytes follow its window."""

import hashlib
from dataclasses import replace

from vp_tui.core.shards.folder import opened
from vp_tui.core.shards.manifest import Manifest, Read, WrittenFile

IDENTITY = {"input_bytes": 100, "weights_sha256": "a" * 64, "precision": "fp16", "per_file": 2, "shard": "1/1"}
ENVIRONMENT = {"torch": "2.13", "device_name": "one", "token_budget": 2048}
WINDOWS = 7


def fresh(**identity):
    return Manifest(identity=IDENTITY | identity, about={"policy": "fp16"}, environments=())


def input_hash(window, seed=""):
    return hashlib.sha256(f"{seed}{window}".encode()).hexdigest()


def written(window, **changed):
    """The record of a file before it has bytes."""
    made = WrittenFile(
        index=window, name=f"part-{window:09d}.bin", bytes=0, sha256="", sequences=2, letters=20, tokens=24,
        alphabet="protein", tokenizer="esm2", input_sha256=input_hash(window), counts={"truncated": window},
    )  # fmt: skip
    return replace(made, **changed)


def content(window):
    return f"embeddings of window {window}\n".encode() * 50


def make(
    path, number=1, count=1, *, resume=False, windows=WINDOWS, environment=None, report=print, seed="", **identity
):
    """Do what a job does; return its folder."""
    with opened(path, fresh(shard=f"{number}/{count}", **identity), resume=resume, report=report) as folder:
        folder.begin(environment or ENVIRONMENT)
        for window in range(number - 1, windows, count):
            if window not in folder.done:
                folder.add(written(window), lambda part, window=window: part.write_bytes(content(window)) and None)
        folder.finish(Read(sha256=input_hash(windows, seed), sequences=2 * windows, windows=windows, cleaned={}))
    return path


def files_of(path):
    """Name -> bytes of everything in a folder, without the lock."""
    return {one.name: one.read_bytes() for one in path.iterdir() if one.name != ".lock"}


KILLED_AT_EVERY_STEP = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import jobs

root = Path(sys.argv[2])
plain = jobs.files_of(jobs.make(root / "plain"))
real = {"fsync": os.fsync, "replace": Path.replace, "unlink": Path.unlink}

def dying(name, left):
    def call(*arguments, **options):
        left[0] -= 1
        if left[0] == 0 and left[1] == "before":
            os._exit(9)
        result = real[name](*arguments, **options)
        if left[0] == 0:
            os._exit(9)
        return result
    return call

def run(path, step, when):
    # a process of its own that ends at its step-th call of the operating system, without any clean-up
    child = os.fork()
    if not child:
        left = [step, when]
        os.fsync = dying("fsync", left)
        Path.replace = dying("replace", left)
        Path.unlink = dying("unlink", left)
        jobs.make(path, resume=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

kills = 0
for when in ("before", "after"):
    step = 1
    while True:
        path = root / f"{when}-{step}"
        if run(path, step, when) == 0:
            break
        kills += 1
        # the second one dies too, somewhere else
        run(path, step // 2 + 1, when)
        jobs.make(path, resume=True, report=lambda _: None)
        assert jobs.files_of(path) == plain, (when, step)
        step += 1
print(kills)
"""


def ended_files(windows):
    """Name -> bytes of the files of a single job."""
    return {f"part-{window:09d}.bin": content(window) for window in range(windows)}


def nothing(_):
    """A report that nobody reads."""
