"""`vp-tui virnucpro`: contigs to frames, one run per model, then a comparison of labels in a worker process."""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.files import user_path
from vp_tui.core.inputs import spool
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.report.virnucpro import MODELS, Model, notes_of, virnucpro_document, worst_exit_code
from vp_tui.core.runs import launch
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.workers.virnucpro.frames import FrameFiles, read_contigs, write_frames
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.follow import exit_code, follow, terminable
from vp_tui.tui.commands.starting import configured
from vp_tui.tui.commands.virnucpro_text import agreement_report
from vp_tui.tui.text import report

_NAMED_CHUNK: Final = re.compile(r"(?<![A-Za-z0-9])(300|500)(?!\d)")
"""Matches VirNucPro's 300_model.pth and 500_model.pth."""


def run_virnucpro(home: Home, options: Mapping[str, Any], *, as_json: bool) -> int:
    """Run the front end in both precisions; result on stdout, progress on stderr.

    `options`: input, chunk, esm, dnabert, the precision of each (or ""), classifier (or ""), sample and seed of
    contigs, and RunConfig's own.
    """
    classifier = _classifier(home, options) if options["classifier"] else None
    options = {**options, "input": spool.as_file(options["input"], home.cache)}
    contigs = read_contigs(options["input"], sample=options["sample"], seed=options["seed"])
    for note in contigs.cleaned.notes:
        output.say(note)
    files = write_frames(home, contigs, options["chunk"])
    counts = {**files.counts, "renamed": contigs.renamed}
    output.say(f"{counts['contigs']} contigs, {counts['chunks']} chunks, {counts['frames']} frames in {files.folder}")
    runs = _validate(home, options, files)
    agreement = None
    if all(snapshot.run.status == "completed" for snapshot in runs.values()):
        agreement = _agreement(home, files, runs, classifier)
    code = worst_exit_code({model: exit_code(runs[model]) for model in MODELS}, agreement)
    document = virnucpro_document(
        source=str(user_path(options["input"]).absolute()),
        chunk=options["chunk"],
        counts=counts,
        runs=runs,
        agreement=agreement,
        notes=notes_of(counts, runs, agreement),
        exit_code=code,
    )
    _print(document, runs, as_json=as_json)
    return code


def _classifier(home: Home, options: Mapping[str, Any]) -> Path:
    """Return the classifier's path after checking name, content and input width, because runs may take hours.

    Raises:
        UsageError: it belongs to another chunk length or other models, or is not usable.
    """
    path = user_path(options["classifier"]).absolute()
    named = set(_NAMED_CHUNK.findall(path.stem))
    if len(named) == 1 and named != {str(options["chunk"])}:
        raise UsageError(
            f"--classifier {path.name}: made for chunks of {named.pop()} bases, but --chunk is {options['chunk']}; "
            "use the matching file or --chunk"
        )
    facts = module_output(home, "virnucpro", ["--check", "--classifier", str(path)])["classifier"]
    widths = [_width(options[model]) for model in ("dnabert", "esm")]
    if None not in widths and facts["input_width"] != sum(filter(None, widths)):
        raise UsageError(
            f"--classifier {path.name}: expects {facts['input_width']} inputs, but the models have "
            f"{widths[0]} + {widths[1]}; use the classifier that was trained on these models"
        )
    return path


def _width(model: str) -> int | None:
    """Return the embedding width; None for a hub model that is not downloaded yet."""
    source = resolve(model)
    return read_spec(source.path).hidden if source.is_here else None


def _validate(home: Home, options: Mapping[str, Any], files: FrameFiles) -> dict[Model, RunSnapshot]:
    """Follow both runs to their ends; both are checked before the first starts, and Ctrl+C stops both."""
    group = uuid.uuid4().hex
    inputs: dict[Model, Path] = {"esm": files.proteins, "dnabert": files.nucleotides}
    shared = {name: options[name] for name in ("device", "attention", "gates", "thresholds")}
    shared |= {"sample": files.counts["frames"], "tags": {"virnucpro": group}}
    configs = {
        model: configured(
            {
                "model": options[model],
                "input": str(path),
                "name": f"virnucpro-{group[:8]}-{model}",
                "precision": options[f"{model}_precision"] or options["precision"],
                **shared,
            }
        )
        for model, path in inputs.items()
    }
    for config in configs.values():
        launch.preflight(config)
    started: dict[Model, int] = {}
    try:
        for model in MODELS:
            started[model] = launch.create_and_start(home, configs[model])
        with terminable():
            return {model: follow(home, run_id) for model, run_id in started.items()}
    except KeyboardInterrupt:
        for run_id in started.values():
            output.say(f"stopping run #{run_id} ...")
            launch.stop(home, run_id)
        raise


def _agreement(
    home: Home, files: FrameFiles, runs: Mapping[Model, RunSnapshot], classifier: Path | None
) -> dict[str, Any]:
    arguments = ["--frames", str(files.table)]
    for model in MODELS:
        arguments += [f"--{model}-run", str(runs[model].run.id)]
    if classifier is not None:
        arguments += ["--classifier", str(classifier)]
    found: dict[str, Any] = module_output(home, "virnucpro", arguments)
    if found["classifier"] is not None:
        found["classifier"]["path"] = str(classifier)
    return found


def _print(document: Mapping[str, Any], runs: Mapping[Model, RunSnapshot], *, as_json: bool) -> None:
    """Print the report; with --json the document on stdout and the report on stderr."""
    text = "\n\n".join([*(report(runs[model]) for model in MODELS), agreement_report(document)])
    if as_json:
        output.aside(text)
        output.result(output.dumped(document))
    else:
        output.result(text)
