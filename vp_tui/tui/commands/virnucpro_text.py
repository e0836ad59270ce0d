"""What `vp-tui virnucpro` says to a person: similarity and labels per frame and contig, flips, findings.

Pure functions from the document to strings; numbers through core.text, ids through `safe`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.text import safe
from vp_tui.tui.levels import marked

SHOWN: Final = 10
"""Contigs and flips in the text; the JSON has all."""

_FRAME_HEAD: Final = (
    ("frame", 5), ("n", 7), ("ESM-2 worst", 11), ("mean", 9), ("DNABERT-S worst", 15), ("mean", 9), ("same label", 15),
)  # fmt: skip
_CONTIG_HEAD: Final = (("frames", 6), ("ESM-2 worst", 11), ("DNABERT-S worst", 15), ("virus", 14))
_FLIP_HEAD: Final = (("p reference", 11), ("p candidate", 11), ("from 0.5", 8))
_ANSWERS: Final = {True: "yes", False: "no", None: fmt.DASH}


def agreement_report(document: Mapping[str, Any]) -> str:
    """Everything but the two runs' own reports."""
    lines = [
        f"virnucpro: {safe(document['input'])}: {fmt.exact(document['contigs'])} contigs, "
        f"{fmt.exact(document['chunks'])} chunks of {document['chunk']} bases, {fmt.exact(document['frames'])} frames"
    ]
    lines += [f"- {safe(note)}" for note in document["notes"]]
    found = document["agreement"]
    if found is not None and found["classifier"] is not None:
        classifier = found["classifier"]
        lines.append(f"classifier: {safe(classifier.get('path', fmt.DASH))}, sha256 {classifier['sha256'][:12]}")
    if found is not None:
        lines += ["", *_frames(found["per_frame"]), "", *_contigs(found["per_contig"])]
        lines += _labels(found)
        lines += [
            marked(finding["severity"], f"{finding['gate']}: {safe(finding['text'])}") for finding in found["findings"]
        ]
    lines += ["", _ending(document)]
    return "\n".join(lines)


def _row(cells: Sequence[str], head: Sequence[tuple[str, int]]) -> str:
    return " ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, head, strict=True))


def _names(head: Sequence[tuple[str, int]]) -> str:
    return _row([name for name, _ in head], head)


def _frames(per_frame: Mapping[str, Any]) -> Iterator[str]:
    yield _names(_FRAME_HEAD)
    for name, entry in per_frame.items():
        cosines = [
            fmt.cosine(entry[model][key]) for model in ("esm", "dnabert") for key in ("cosine_min", "cosine_mean")
        ]
        labels = entry["labels"]
        same = fmt.DASH if labels is None else f"{labels['agreed']} of {labels['n']}"
        yield _row([name, fmt.exact(entry["n"]), *cosines, same], _FRAME_HEAD)


def _contigs(per_contig: Mapping[str, Any]) -> Iterator[str]:
    """The contigs with another answer first, then those with the least similarity."""
    yield f"{_names(_CONTIG_HEAD)}  contig (the {min(SHOWN, len(per_contig))} worst of {fmt.exact(len(per_contig))})"
    for name, entry in sorted(per_contig.items(), key=_badness)[:SHOWN]:
        virus = fmt.DASH
        if "virus_reference" in entry:
            virus = f"{_ANSWERS[entry['virus_reference']]} -> {_ANSWERS[entry['virus_candidate']]}"
        cells = [fmt.exact(entry["frames"]), fmt.cosine(entry["esm"]), fmt.cosine(entry["dnabert"]), virus]
        yield f"{_row(cells, _CONTIG_HEAD)}  {fmt.clip(safe(name), 40)}"


def _badness(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, float]:
    """A contig without a similarity counts as having the worst."""
    entry = item[1]
    changed = entry.get("virus_reference") != entry.get("virus_candidate")
    cosines = [-1.0 if entry[model] is None else entry[model] for model in ("esm", "dnabert")]
    return not changed, min(cosines)


def _labels(found: Mapping[str, Any]) -> Iterator[str]:
    labels, consensus = found["labels"], found["consensus"]
    if labels is None:
        return
    yield ""
    yield (
        f"labels: {labels['agreed']} of {labels['n']} frames agree, {labels['virus_reference']} -> "
        f"{labels['virus_candidate']} virus; |dp| mean {fmt.error(labels['shift_mean'])}, "
        f"max {fmt.error(labels['shift_max'])}"
    )
    for what, entry in consensus.items():
        yield (
            f"consensus: {entry['agreed']} of {entry['n']} {what} agree, {entry['virus_reference']} -> "
            f"{entry['virus_candidate']} virus"
        )
    flips = labels["flips"]
    if flips:
        yield f"{_names(_FLIP_HEAD)}  flipped frame (the clearest {min(SHOWN, len(flips))} of {len(flips)})"
    for flip in flips[:SHOWN]:
        cells = [fmt.probability(flip[key]) for key in ("reference", "candidate", "distance")]
        yield f"{_row(cells, _FLIP_HEAD)}  {safe(flip['id'])}"


def _ending(document: Mapping[str, Any]) -> str:
    """The verdict on labels, beside those of the runs."""
    runs = ", ".join(f"{name} {run['verdict'] or run['status']}" for name, run in document["runs"].items())
    return f"labels {document['verdict'] or 'not judged'}, {runs}"
