"""`embed -o FOLDER/` in processes that are killed, and what they leave."""

import os
import subprocess

from vp_tui.core.runs.worker import worker_command


def start(model, sequences, output, *, per_file=1, prepare=None, **options):
    """Start the worker that embeds, with --resume; `prepare` runs in it before it begins.

    Such a worker compiles nothing: before 3.12.8 Python keeps a .pyc file that a full disk has cut.
    """
    compiles = {} if prepare is None else {"PYTHONDONTWRITEBYTECODE": "1"}
    named = {
        "model": model, "input": sequences, "output": output, "precision": "fp32", "device": "cpu",
        "attention": "auto", "token-budget": "2048", "shard": "1/1", "format": "parquet", "store": "fp32",
        "per-file": per_file,
    } | options  # fmt: skip
    words = [str(word) for name, value in named.items() for word in (f"--{name}", value)]
    return subprocess.Popen(
        worker_command("embed-folder", *words, "--resume"), preexec_fn=prepare,  # noqa: PLW1509  # a limit that only the child may have
        env={**os.environ, "OMP_NUM_THREADS": "1", **compiles}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def kill(process):
    process.kill()
    process.communicate()


def ended(process):
    """Return exit code and stderr."""
    _, told = process.communicate(timeout=120)
    return process.returncode, told


def files_of(folder):
    """Name -> bytes of everything that a job leaves, without the lock."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name != ".lock"}
