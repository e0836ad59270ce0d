"""`vp-tui virnucpro`: contigs to frames, one ordinary run per model, then their labels compared in a child process."""

import json
import re
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.report.virnucpro import MODELS, Model, notes_of, virnucpro_document, worst_exit_code
from vp_tui.core.runs import launch
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.workers.virnucpro.frames import FrameFiles, read_contigs, write_frames
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.follow import exit_code, follow
from vp_tui.tui.commands.starting import configured
from vp_tui.tui.commands.virnucpro_text import agreement_report
from vp_tui.tui.text import report

_NAMED_CHUNK: Final = re.compile(r"(?<![A-Za-z0-9])(300|500)(?!\d)")
"""VirNucPro's own files are 300_model.pth and 500_model.pth."""


def run_virnucpro(home: Home, options: Mapping[str, Any], *, as_json: bool) -> int:
    """The whole way; the result on stdout, progress and reasons on stderr.

    `options`: input, chunk, esm, dnabert, classifier (or ""), sample and seed of contigs, and RunConfig's own.
    """
    classifier = _classifier(home, options) if options["classifier"] else None
    contigs = read_contigs(options["input"], sample=options["sample"], seed=options["seed"])
    files = write_frames(home, contigs, options["chunk"])
    counts = {**files.counts, "renamed": contigs.renamed}
    _say(f"{counts['contigs']} contigs, {counts['chunks']} chunks, {counts['frames']} frames in {files.folder}")
    runs = _validate(home, options, files)
    agreement = None
    if all(snapshot.run.status == "completed" for snapshot in runs.values()):
        agreement = _agreement(home, files, runs, classifier)
    code = worst_exit_code({model: exit_code(runs[model]) for model in MODELS}, agreement)
    document = virnucpro_document(
        source=str(Path(options["input"]).expanduser().absolute()),
        chunk=options["chunk"],
        counts=counts,
        runs=runs,
        agreement=agreement,
        notes=notes_of(counts, runs, agreement),
        exit_code=code,
    )
    _print(document, runs, as_json=as_json)
    return code


def _say(text: str) -> None:
    sys.stderr.write(f"{safe(text)}\n")


def _classifier(home: Home, options: Mapping[str, Any]) -> Path:
    """The classifier's path, once its name, its content and its width are known to be good: runs may take hours.

    Raises:
        UsageError: it is for the other chunk length or for other models, or cannot be used at all.
    """
    path = Path(options["classifier"]).expanduser().absolute()
    named = set(_NAMED_CHUNK.findall(path.stem))
    if len(named) == 1 and named != {str(options["chunk"])}:
        raise UsageError(
            f"{path.name} is by its name the classifier for chunks of {named.pop()} bases, and --chunk is "
            f"{options['chunk']}: labels of the wrong one agree with nothing; give the other file or the other --chunk"
        )
    facts = module_output(home, "virnucpro", ["--check", "--classifier", str(path)])["classifier"]
    widths = [_width(options[model]) for model in ("dnabert", "esm")]
    if None not in widths and facts["input_width"] != sum(filter(None, widths)):
        raise UsageError(
            f"{path.name} reads {facts['input_width']} numbers per frame, the models give "
            f"{widths[0]} + {widths[1]}: give the classifier that was trained on these two models"
        )
    return path


def _width(model: str) -> int | None:
    """Numbers per embedding; None for a model of the hub, which is not read before its run."""
    source = resolve(model)
    return read_spec(source.path).hidden if source.is_here else None


def _validate(home: Home, options: Mapping[str, Any], files: FrameFiles) -> dict[Model, RunSnapshot]:
    """Both runs to their ends; both are checked before either begins, and Ctrl+C stops both."""
    group = uuid.uuid4().hex
    inputs: dict[Model, Path] = {"esm": files.proteins, "dnabert": files.nucleotides}
    configs = {model: _config(options, files, group, model, inputs[model]) for model in MODELS}
    for config in configs.values():
        launch.preflight(config)
    started: dict[Model, int] = {}
    try:
        for model in MODELS:
            started[model] = launch.create_and_start(home, configs[model])
        return {model: follow(home, run_id) for model, run_id in started.items()}
    except KeyboardInterrupt:
        for run_id in started.values():
            _say(f"\nstopping run #{run_id} ...")
            launch.stop(home, run_id)
        raise


def _config(options: Mapping[str, Any], files: FrameFiles, group: str, model: Model, path: Path) -> RunConfig:
    """An ordinary run on all frames, found again by its tag."""
    return configured(
        {
            "model": options[model],
            "input": str(path),
            "precision": options["precision"],
            "device": options["device"],
            "sample": files.counts["frames"],
            "name": f"virnucpro-{group[:8]}-{model}",
            "tags": {"virnucpro": group},
        }
    )


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
    """The result on stdout; with --json the document there, and the text for the reader on stderr."""
    text = "\n\n".join([*(report(runs[model]) for model in MODELS), agreement_report(document)])
    (sys.stderr if as_json else sys.stdout).write(f"{text}\n")
    if as_json:
        sys.stdout.write(f"{json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)}\n")
