"""Report of `vp-tui virnucpro`: similarity and labels per frame and contig, flips, findings.

Pure functions from the document to strings; numbers through core.text, ids through `safe`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.report.page import aligned
from vp_tui.core.text import safe
from vp_tui.tui.levels import marked

SHOWN: Final = 10
"""Contigs and flips in the text; the JSON has all."""

_ANSWERS: Final = {True: "yes", False: "no", None: fmt.DASH}


def agreement_report(document: Mapping[str, Any]) -> str:
    """Return everything except the reports of the two runs."""
    lines = [
        f"virnucpro: {safe(document['input'])}: {fmt.plural(document['contigs'], 'contig')}, "
        f"{fmt.plural(document['chunks'], 'chunk')} of {document['chunk']} bases, "
        f"{fmt.plural(document['frames'], 'frame')}"
    ]
    lines += [f"- {safe(note)}" for note in document["notes"]]
    found = document["agreement"]
    for name in ("classifier", "candidate_classifier"):
        classifier = None if found is None else found.get(name)
        if classifier is not None:
            told = f"{safe(classifier.get('path', fmt.DASH))}, sha256 {classifier['sha256'][:12]}"
            lines.append(f"{name.replace('_', ' ')}: {told}")
    if found is not None and found.get("structure") is not None:
        lines.append(_structure(found["structure"]))
    if found is not None:
        lines += ["", *_frames(found["per_frame"]), "", *_contigs(found["per_contig"])]
        lines += _labels(found)
        lines += [
            marked(finding["severity"], f"{finding['gate']}: {safe(finding['text'])}") for finding in found["findings"]
        ]
    runs = ", ".join(f"{name} {run['verdict'] or run['status']}" for name, run in document["runs"].items())
    return "\n".join([*lines, "", f"labels {document['verdict'] or 'not judged'}, {runs}"])


def _structure(structure: Mapping[str, Any]) -> str:
    """Return S1 and S2 of two protein models."""
    near, whole, widths = structure["S1"], structure["S2"], structure["widths"]
    shares = [fmt.DASH if one is None else fmt.percent(one) for one in (near["overlap"], near["nearest"])]
    cka, debiased, ranks = (fmt.similarity(whole[name]) for name in ("cka", "cka_debiased", "rdm_spearman"))
    return (
        f"structure, {widths[0]} -> {widths[1]} numbers: {shares[0]} of ten neighbours stay, {shares[1]} of the "
        f"nearest; CKA {cka}, debiased {debiased}, rank correlation of distances {ranks}"
    )


def _frames(per_frame: Mapping[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = [("frame", "n", "ESM-2 lowest", "mean", "DNABERT-S lowest", "mean", "same label")]
    for name, entry in per_frame.items():
        cosines = (
            fmt.similarity(entry[model][key]) for model in ("esm", "dnabert") for key in ("cosine_min", "cosine_mean")
        )
        labels = entry["labels"]
        same = fmt.DASH if labels is None else f"{labels['agreed']} of {labels['n']}"
        rows.append((name, fmt.exact(entry["n"]), *cosines, same))
    return aligned(rows, right=range(1, 7))


def _contigs(per_contig: Mapping[str, Any]) -> list[str]:
    """Return contigs with a changed label first, then those with the lowest similarity."""
    title = f"contig ({min(SHOWN, len(per_contig))} lowest of {fmt.exact(len(per_contig))})"
    rows = [("frames", "ESM-2 lowest", "DNABERT-S lowest", "virus", title)]
    for name, entry in sorted(per_contig.items(), key=_badness)[:SHOWN]:
        virus = fmt.DASH
        if "virus_reference" in entry:
            virus = f"{_ANSWERS[entry['virus_reference']]} -> {_ANSWERS[entry['virus_candidate']]}"
        cosines = fmt.similarity(entry["esm"]), fmt.similarity(entry["dnabert"])
        rows.append((fmt.exact(entry["frames"]), *cosines, virus, fmt.clip(safe(name), 40)))
    return aligned(rows, right=range(4))


def _badness(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, float]:
    """Return the sort key; a missing similarity counts as the lowest."""
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
        f"{labels['virus_candidate']} virus; probabilities move by {fmt.error(labels['shift_mean'])} on "
        f"average, {fmt.error(labels['shift_max'])} at most"
    )
    for what, entry in consensus.items():
        yield (
            f"consensus: {entry['agreed']} of {entry['n']} {what} agree, {entry['virus_reference']} -> "
            f"{entry['virus_candidate']} virus"
        )
    flips = labels["flips"]
    if flips:
        title = f"flipped frame (clearest {min(SHOWN, len(flips))} of {len(flips)})"
        rows: list[tuple[str, ...]] = [("p reference", "p candidate", "from 0.5", title)]
        for flip in flips[:SHOWN]:
            values = (fmt.probability(flip[key]) for key in ("reference", "candidate", "distance"))
            rows.append((*values, safe(flip["id"])))
        yield from aligned(rows, right=range(3))
