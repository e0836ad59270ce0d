"""The frames of a set of contigs as files: one FASTA per model and a table, kept by content in the cache.

Two runs read the FASTA files, in the same order and under the same ids; the table says which contig a frame is of.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.files import replacing
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.store.home import Home
from vp_tui.core.store.rows import as_json
from vp_tui.core.workers.virnucpro.translate import RULES_VERSION, Frame, Translation, translate

_HEADER: Final = ("frame_id", "contig", "chunk", "frame", "bases", "residues")


class FrameRow(NamedTuple):
    id: str
    contig: str
    chunk: int
    name: str
    """F1 to R3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFiles:
    """The files of the frames, and the counts of their translation."""

    folder: Path
    counts: Mapping[str, Any]
    """Translation's counts, with `frames` as a number."""

    @property
    def proteins(self) -> Path:
        """Return the input of ESM-2."""
        return self.folder / "proteins.faa"

    @property
    def nucleotides(self) -> Path:
        """Return the input of DNABERT-S."""
        return self.folder / "nucleotides.fna"

    @property
    def table(self) -> Path:
        return self.folder / "frames.tsv"


def read_contigs(path: str, *, sample: int, seed: int) -> SequenceSet:
    """Return the contigs of a file, or `sample` of them drawn with `seed`, in input order; 0 takes all.

    Raises:
        InputError: as sequences.read.
    """
    contigs = sequences.read(path)
    if not 0 < sample < len(contigs):
        return contigs
    generator = np.random.Generator(np.random.PCG64(seed))
    return contigs.take(np.sort(generator.choice(len(contigs), sample, replace=False)).tolist())


def write_frames(home: Home, contigs: SequenceSet, chunk: int) -> FrameFiles:
    """Write the frames of `contigs`, or find the files of equal contigs.

    Raises:
        InputError: not nucleotides, or no frame survives.
    """
    content = {"rules": RULES_VERSION, "chunk": chunk, "letters": sequences.content_hash(contigs), "ids": contigs.ids}
    folder = home.cache / "virnucpro" / hashlib.sha256(as_json(content).encode()).hexdigest()
    summary = folder / "counts.json"
    # written last: it exists when all files do
    if summary.exists():
        return FrameFiles(folder=folder, counts=json.loads(summary.read_text()))
    translation = translate(contigs, chunk)
    if not translation.frames:
        raise InputError(
            f"none of the {translation.contigs} contigs has a frame without a stop codon ({translation.too_short} are "
            "shorter than one codon): there is nothing to embed"
        )
    files = FrameFiles(folder=folder, counts=_counts(translation))
    _write_fasta(files.proteins, {frame.id: frame.protein for frame in translation.frames})
    _write_fasta(files.nucleotides, {frame.id: frame.nucleotide for frame in translation.frames})
    _write_text(files.table, "\n".join(["\t".join(_HEADER), *(_line(frame, contigs) for frame in translation.frames)]))
    _write_text(summary, json.dumps(files.counts))
    return files


def _counts(translation: Translation) -> dict[str, Any]:
    return {
        name: len(translation.frames) if name == "frames" else getattr(translation, name)
        for name in Translation.__dataclass_fields__
    }


def _line(frame: Frame, contigs: SequenceSet) -> str:
    lengths = (str(len(frame.nucleotide)), str(len(frame.protein)))
    return "\t".join((frame.id, contigs.ids[frame.contig], str(frame.chunk), frame.name, *lengths))


def _write_fasta(path: Path, records: Mapping[str, bytes]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        for name, letters in records.items():
            file.write(b">%s\n%s\n" % (name.encode(), letters))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_table(path: Path) -> tuple[FrameRow, ...]:
    """Return the lines of a table of frames.

    Raises:
        InputError: missing, or not such a table.
    """
    try:
        header, *lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        rows = [line.split("\t") for line in lines]
        if tuple(header.split("\t")) != _HEADER:
            raise ValueError(f"the header is {header!r}")
        return tuple(FrameRow(name, contig, int(chunk), frame) for name, contig, chunk, frame, _, _ in rows)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a valid table of frames ({error}); `vp-tui virnucpro` writes one") from error
