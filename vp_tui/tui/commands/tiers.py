"""`vp-tui tiers`: one run per number format, one after the other, and one table of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.files import user_path
from vp_tui.core.report import tiers as report
from vp_tui.core.report.page import as_markdown, as_text
from vp_tui.core.report.render import write
from vp_tui.core.runs import launch, tiers
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.follow import follow_own
from vp_tui.tui.commands.starting import configured
from vp_tui.tui.commands.virnucpro import width_of

_SUFFIXES: Final = (".svg", ".html", ".md", ".json")


def run_tiers(
    home: Home,
    values: Mapping[str, Any],
    *,
    formats: Sequence[str],
    classifier: str,
    again: bool,
    file: str,
    as_json: bool,
) -> int:
    """Validate every format of the device, or those asked for; print the table; return the exit code.

    0 when a format came to a verdict, whatever it is; a format that the device refused is a row with the reason.

    Raises:
        UsageError: an unknown format, an output file of another kind, a classifier of another width, or any invalid
            option.
        ModelError: a file that is no classifier.
    """
    place = _place(file)
    for name in formats:
        tiers.plan_of(name)
    shared = configured(values)
    launch.preflight(shared)
    path = _classifier(home, classifier, shared.model) if classifier else None
    here = module_output(home, "env-probe", ["--model", shared.model, "--device", shared.device])["environment"]
    configs = [tiers.config_of(name, shared, here) for name in formats or tiers.names_for(here)]
    snapshots = [_run(home, config, again=again) for config in configs]
    found, labelled_by = _labelled(home, path, tiers.tiers_of(snapshots), snapshots)
    facts = shared.model_dump(include={"model", "input", "sample"})
    facts |= {"device_name": here["device_name"], "torch": here["torch"], "classifier": labelled_by}
    if place is not None:
        write(place, _as_file(place.suffix, found, facts))
        output.say(f"wrote {place}")
    page = output.dumped(report.document(found, facts)) if as_json else as_text(report.page(found, facts)).rstrip()
    output.result(page)
    return ExitCode.GOOD if any(one.run.status == "completed" for one in snapshots) else ExitCode.RUN_FAILED


def _place(file: str) -> Path | None:
    if not file:
        return None
    place = user_path(file)
    if place.suffix not in _SUFFIXES:
        raise UsageError(f"--output {file!r}: the file name must end with one of {', '.join(_SUFFIXES)}")
    return place


def _classifier(home: Home, given: str, model: str) -> Path:
    """Return the classifier's path after checking content and width, because runs may take hours."""
    path = user_path(given).absolute()
    takes = module_output(home, "run-labels", ["--classifier", str(path)])["classifier"]["input_width"]
    width = width_of(model)
    if width not in {None, takes}:
        raise UsageError(
            f"--classifier {given!r} takes {takes} numbers per sequence, {model} gives {width}: use one that was "
            "trained on this model; VirNucPro's own takes ESM-2 and DNABERT-S together, and `vp-tui virnucpro "
            "--precision NAME --classifier FILE` counts its labels"
        )
    return path


def _labelled(
    home: Home, path: Path | None, found: tuple[tiers.Tier, ...], snapshots: Sequence[RunSnapshot]
) -> tuple[tuple[tiers.Tier, ...], dict[str, Any] | None]:
    """Return the tiers with the labels of the classifier, and its facts; both unchanged and None without one."""
    if path is None:
        return found, None
    runs = [str(one.run.id) for one in snapshots if one.run.status == "completed"]
    answer = module_output(home, "run-labels", ["--classifier", str(path), *runs])
    for run_id, labels in answer["runs"].items():
        if labels["reason"] is not None:
            output.say(f"run #{run_id} has no labels: {labels['reason']}")
    by_run = {int(run_id): labels for run_id, labels in answer["runs"].items()}
    return tiers.with_labels(found, by_run), {"path": str(path), **answer["classifier"]}


def _run(home: Home, config: RunConfig, *, again: bool) -> RunSnapshot:
    """Return the run of one format: that of an earlier call, or a new one followed to its end."""
    with Reader(home) as reader:
        before = None if again else tiers.done_before(reader, config)
        if before is not None:
            output.say(f"{config.candidate_plan.name}: run #{before.id} has it already (--again repeats it)")
            return reader.snapshot(before.id)
    output.say(f"{config.candidate_plan.name}:")
    return follow_own(home, launch.create_and_start(home, config))


def _as_file(suffix: str, found: Sequence[tiers.Tier], facts: Mapping[str, Any]) -> str:
    match suffix:
        case ".svg":
            return f"{report.figure(found, facts)}\n"
        case ".md":
            return as_markdown(report.page(found, facts))
        case ".json":
            return f"{output.dumped(report.document(found, facts))}\n"
    # importing jinja2 takes a moment
    from vp_tui.core.report.html import ChartFigure, Illustrated, pages_html

    page = report.page(found, facts)
    reading = "; ".join(
        f"{one.name}: {report.labels_of(one)} labels flip" for one in found if one.classified is not None
    )
    drawn = ChartFigure("tiers", "Accuracy and speed of every format", report.figure(found, facts), "", reading)
    return pages_html(page.title, [Illustrated(page, (drawn,))])
