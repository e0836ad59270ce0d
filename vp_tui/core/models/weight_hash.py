"""The hash of a checkpoint: what comparability, stored references and policies mean by "the same weights".

A file is read once: its hash is known afterwards by path, size, inode and times, to this process and, in the cache
folder, to later runs. A change of content changes the time of the inode (ctime), which no program can set back.
"""

import hashlib
import logging
import re
from pathlib import Path
from typing import Final

from vp_tui.core.files import replacing
from vp_tui.core.models.checkpoint import weight_files

_HASH_CHUNK: Final = 1 << 22
_SHA256: Final = re.compile("[0-9a-f]{64}")
_known: dict[str, str] = {}
_log = logging.getLogger("vp_tui.run")


def weights_sha256(path: Path, cache: Path | None = None) -> str:
    """Return the SHA-256 of config.json, the weight files and Python code of a folder, or of a fair-esm file.

    With `cache` (Home.cache) a hash that an earlier process has stored there is trusted; without it the files are read,
    once per process.

    Raises ModelError without weight files.
    """
    # embeddings depend on a checkpoint's own code too
    paths = [path] if path.is_file() else [path / "config.json", *weight_files(path), *sorted(path.glob("*.py"))]
    key = _key(paths)
    if key not in _known:
        stored = None if cache is None else _stored(cache, key)
        _known[key] = stored or _sha256(paths)
        if cache is not None and stored is None:
            _keep(cache, key, _known[key])
    return _known[key]


def _key(paths: list[Path]) -> str:
    """Return a name for these files as they are on the disk now."""
    digest = hashlib.sha256()
    for path in paths:
        about = path.stat()
        facts = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        digest.update(f"{path.absolute()}\0{facts}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _sha256(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode(errors="surrogateescape"))
        with path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _file(cache: Path, key: str) -> Path:
    return cache / "weights" / f"{key}.sha256"


def _stored(cache: Path, key: str) -> str | None:
    """Return the stored hash; None without one, or where the file is not one."""
    try:
        text = _file(cache, key).read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _SHA256.fullmatch(text) else None


def _keep(cache: Path, key: str, value: str) -> None:
    try:
        with replacing(_file(cache, key)) as temporary:
            temporary.write_text(value)
    except OSError as error:
        _log.warning("the hash of the weights could not be kept (%s); the next run reads them again", error)
