"""`vp-tui virnucpro`: contigs to frames, one run per model, then a comparison of labels in a worker process."""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vp_tui.core.config import Judged, RunConfig
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.events import ARMS, Arm
from vp_tui.core.files import user_path
from vp_tui.core.inputs import spool
from vp_tui.core.inputs.predictions import known_of, read_truth
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.report.virnucpro import SECOND, Model, notes_of, virnucpro_document, worst_exit_code
from vp_tui.core.runs import launch
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import plural
from vp_tui.core.workers.virnucpro.frames import FrameFiles, read_contigs, read_table, write_frames
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.follow import exit_code, follow, follow_own, terminable
from vp_tui.tui.commands.starting import configured
from vp_tui.tui.commands.virnucpro_text import agreement_report
from vp_tui.tui.text import summary

_NAMED_CHUNK: Final = re.compile(r"(?<![A-Za-z0-9])(300|500)(?!\d)")
"""Matches VirNucPro's 300_model.pth and 500_model.pth."""


def run_virnucpro(home: Home, options: Mapping[str, Any], *, as_json: bool) -> int:
    """Run the front end in both precisions; result on stdout, progress on stderr.

    `options`: input, chunk, esm, dnabert, the precision of each (or ""), classifier (or ""), candidate_esm and
    candidate_classifier (or ""), truth (or ""), sample and seed of contigs, and RunConfig's own.

    Raises InputError, ModelError, UsageError: bad input, before a run exists.
    """
    _require_alphabets(options)
    classifiers = _classifiers(home, options)
    options = {**options, "input": spool.as_file(options["input"], home.cache)}
    contigs = read_contigs(options["input"], sample=options["sample"], seed=options["seed"])
    for note in contigs.cleaned.notes:
        output.say(note)
    files = write_frames(home, contigs, options["chunk"])
    counts = {**files.counts, "renamed": contigs.renamed}
    output.say(f"{_made(counts)} in {files.folder}")
    require_truth(options["truth"], files)
    group = uuid.uuid4().hex
    runs = _validate(home, options, files, group)
    agreement, tables = None, files.folder / group[:8]
    ended: dict[str, RunSnapshot] = {str(model): snapshot for model, snapshot in runs.items()}
    if all(snapshot.run.status == "completed" for snapshot in runs.values()):
        agreement = _agreement(home, files, runs, classifiers, tables)
        if classifiers:
            judging = _judging(options, files, tables, group)
            ended["labels"] = follow_own(home, launch.create_and_start(home, judging))
    code = worst_exit_code({name: exit_code(snapshot) for name, snapshot in ended.items()}, agreement)
    document = virnucpro_document(
        source=str(user_path(options["input"]).absolute()),
        chunk=options["chunk"],
        counts=counts,
        runs=runs,
        agreement=agreement,
        labels_run=ended.get("labels"),
        notes=notes_of(counts, runs, agreement),
        exit_code=code,
    )
    _print(document, ended, as_json=as_json)
    return code


def _classifiers(home: Home, options: Mapping[str, Any]) -> dict[Arm, Path]:
    """Return the classifier of either arm; nothing without one.

    Raises:
        UsageError: an option without the one it needs, or as _classifier.
    """
    for option, needed in (
        ("candidate_classifier", "candidate_esm"),
        ("candidate_classifier", "classifier"),
        ("truth", "classifier"),
    ):
        if options[option] and not options[needed]:
            raise UsageError(f"--{option.replace('_', '-')} needs --{needed.replace('_', '-')}: give both")
    if not options["classifier"]:
        return {}
    found: dict[Arm, Path] = {"reference": _classifier(home, options, "classifier", "esm")}
    found["candidate"] = found["reference"]
    if options[SECOND]:
        option = "candidate_classifier" if options["candidate_classifier"] else "classifier"
        found["candidate"] = _classifier(home, options, option, SECOND)
    return found


def require_truth(given: str, files: FrameFiles) -> None:
    """Raise InputError for a table of true labels, if one is given, that knows none of the frames."""
    if not given:
        return
    ids = [row.id for row in read_table(files.table)]
    if all(label is None for label in known_of(ids, read_truth(user_path(given)))):
        raise InputError(
            f"--truth {given} has no label for any of the {len(ids)} frames, such as {ids[0]!r}, or its contig"
        )


def _classifier(home: Home, options: Mapping[str, Any], option: str, esm: Model) -> Path:
    """Return the classifier's path after checking name, content and input width, because runs may take hours.

    Raises:
        UsageError: it belongs to another chunk length or other models, or is not usable.
    """
    said = f"--{option.replace('_', '-')}"
    path = user_path(options[option]).absolute()
    named = set(_NAMED_CHUNK.findall(path.stem))
    if len(named) == 1 and named != {str(options["chunk"])}:
        raise UsageError(
            f"{said} {path.name}: made for chunks of {named.pop()} bases, but --chunk is {options['chunk']}; "
            "use the matching file or --chunk"
        )
    facts = module_output(home, "virnucpro", ["--check", "--classifier", str(path)])["classifier"]
    widths = [width_of(options[model]) for model in ("dnabert", esm)]
    if None not in widths and facts["input_width"] != sum(filter(None, widths)):
        raise UsageError(
            f"{said} {path.name}: expects {facts['input_width']} inputs, but the models have "
            f"{widths[0]} + {widths[1]}; use the classifier that was trained on these models"
        )
    return path


def width_of(model: str) -> int | None:
    """Return the embedding width; None for a hub model that is not downloaded yet."""
    spec = _spec_of(model)
    return None if spec is None else spec.hidden


def _spec_of(model: str) -> ModelSpec | None:
    source = resolve(model)
    return read_spec(source.path) if source.is_here else None


def _require_alphabets(options: Mapping[str, Any]) -> None:
    """Raise UsageError for a model that does not read what it would be given: frames of proteins, or of DNA."""
    for option, wanted in (("esm", "protein"), (SECOND, "protein"), ("dnabert", "dna")):
        spec = _spec_of(options[option]) if options[option] else None
        if spec is not None and spec.alphabet not in {wanted, "any"}:
            kinds = {"protein": "protein", "dna": "DNA"}
            raise UsageError(
                f"--{option.replace('_', '-')} {options[option]} is a {kinds[spec.alphabet]} model, a "
                f"{kinds[wanted]} model is needed there: were --esm and --dnabert swapped?"
            )


def _validate(home: Home, options: Mapping[str, Any], files: FrameFiles, group: str) -> dict[Model, RunSnapshot]:
    """Follow the runs to their ends; all are checked before the first starts, and Ctrl+C stops all.

    Each waits for the locks of its devices, so that a model loads when the processes of the one before have ended.
    """
    inputs: dict[Model, Path] = {"esm": files.proteins, "dnabert": files.nucleotides}
    if options[SECOND]:
        inputs[SECOND] = files.proteins
    shared = {name: options[name] for name in ("device", "devices", "ray", "attention", "gates", "thresholds")}
    shared |= {"sample": files.counts["frames"], "tags": {"virnucpro": group}}
    configs = {
        model: configured(
            {
                "model": options[model],
                "input": str(path),
                "name": f"virnucpro-{group[:8]}-{model}",
                "precision": options.get(f"{model}_precision") or options["precision"],
                **shared,
            }
        )
        for model, path in inputs.items()
    }
    for config in configs.values():
        launch.preflight(config)
    started: dict[Model, int] = {}
    try:
        for model in inputs:
            started[model] = launch.create_and_start(home, configs[model])
        with terminable():
            return {model: follow(home, run_id) for model, run_id in started.items()}
    except KeyboardInterrupt:
        for run_id in started.values():
            output.say(f"stopping run #{run_id} ...")
            launch.stop(home, run_id)
        raise


def _agreement(
    home: Home,
    files: FrameFiles,
    runs: Mapping[Model, RunSnapshot],
    classifiers: Mapping[Arm, Path],
    tables: Path,
) -> dict[str, Any]:
    """Return the agreement of both arms, whose predictions a worker writes to `tables`."""
    arguments = ["--frames", str(files.table)]
    for model, snapshot in runs.items():
        arguments += [f"--{model.replace('_', '-')}-run", str(snapshot.run.id)]
    options = {"reference": "classifier", "candidate": "candidate_classifier"}
    if classifiers:
        arguments += ["--classifier", str(classifiers["reference"]), "--tables", str(tables)]
        if classifiers["candidate"] != classifiers["reference"]:
            arguments += ["--candidate-classifier", str(classifiers["candidate"])]
    found: dict[str, Any] = module_output(home, "virnucpro", arguments)
    for arm, path in classifiers.items():
        if found[options[arm]] is not None:
            found[options[arm]]["path"] = str(path)
    return found


def _judging(options: Mapping[str, Any], files: FrameFiles, tables: Path, group: str) -> RunConfig:
    """Return the run that keeps D1 to D3, and both sides against the truth, as `vp-tui judge` does."""
    sides = {arm: str(tables / f"{arm}.tsv") for arm in ARMS}
    truth = str(user_path(options["truth"]).absolute()) if options["truth"] else None
    # two tables are compared on the CPU: with devices asked for, this waits for no GPU
    device = "cpu" if options["devices"] or options["ray"] else options["device"]
    return configured(
        {
            "model": sides["reference"],
            "input": str(files.nucleotides),
            "judged": Judged(**sides, has_sequences=True, kind="predictions", truth=truth),
            "name": f"virnucpro-{group[:8]}-labels",
            "tags": {"virnucpro": group},
            "device": device,
            **{name: options[name] for name in ("precision", "gates", "thresholds")},
        }
    )


def _print(document: Mapping[str, Any], runs: Mapping[str, RunSnapshot], *, as_json: bool) -> None:
    """Print the end of each run and the labels; with --json the document on stdout and the text on stderr."""
    text = "\n\n".join([*map(summary, runs.values()), agreement_report(document)])
    if as_json:
        output.aside(text)
        output.result(output.dumped(document))
    else:
        output.result(text)


def _made(counts: Mapping[str, int]) -> str:
    return ", ".join(plural(counts[f"{noun}s"], noun) for noun in ("contig", "chunk", "frame"))
