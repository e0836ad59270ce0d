"""`vp-tui run`: one run or repeats in fresh processes, and the comparison with a baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.runs import launch, resuming
from vp_tui.core.runs.early import EarlyWorker
from vp_tui.core.runs.repeats import require_baseline
from vp_tui.core.store.groups import GroupKind, create_group
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.commands import output
from vp_tui.tui.commands.follow import exit_code, follow_own
from vp_tui.tui.commands.starting import configured, start_and_follow
from vp_tui.tui.runs_text import runs_table

_RECOMPUTED = "recomputing the reference in every run (--fp32-compare): a cached one would change the timing"


def validate(
    home: Home,
    values: Mapping[str, Any],
    *,
    count: int,
    baseline: str | None,
    auto_search: bool,
    detach: bool,
    as_json: bool,
    early: EarlyWorker | None = None,
) -> int:
    """Validate once, in the process `early` if there is one, or several times; compare with a baseline if it is named.

    With `auto_search` a failed run is searched for the operations to keep in FP32; the exit code stays.

    Raises:
        UsageError: an invalid option, or --detach with --repeats, --baseline or --auto-search.
        NoBaselineError: no active baseline has that name; nothing is started.
    """
    config = configured(values)
    if detach and (count > 1 or baseline or auto_search):
        raise UsageError("--detach cannot be combined with --repeats, --baseline or --auto-search: omit one of them")
    if baseline is not None:
        # before the runs, which may take hours
        with Reader(home) as reader:
            require_baseline(reader, baseline)
    if count == 1 and baseline is None and not auto_search:
        return start_and_follow(home, config, detach=detach, as_json=as_json, early=early)
    if (count > 1 or baseline is not None) and not config.fp32_compare:
        output.say(_RECOMPUTED)
        config = config.model_copy(update={"fp32_compare": True})
    if count == 1:
        snapshots = [follow_own(home, launch.create_and_start(home, config))]
    else:
        snapshots = run_series(home, config, "validate", ["repeat"] * count)
    _print(snapshots, is_series=count > 1, as_json=as_json)
    if auto_search:
        _search_failed(home, snapshots)
    code = max(map(exit_code, snapshots))
    return code if baseline is None else _compared(home, baseline, snapshots[-1].run.id, code, as_json=as_json)


def resume(
    home: Home,
    values: Mapping[str, Any] | None,
    run: str,
    *,
    detach: bool,
    as_json: bool,
    early: EarlyWorker | None = None,
) -> int:
    """Go on with an interrupted run: a new run with its settings that takes over its finished blocks.

    With `values` those are the settings, `run` is not looked for, and without an interrupted run a new one starts.

    Raises:
        RunNotFoundError: no such run.
        UsageError: as resuming.settings_of and resuming.to_resume.
    """
    config = resuming.settings_of(home, run) if values is None else configured(values)
    before = resuming.to_resume(home, config, is_required=values is None)
    if before is None:
        output.say("no interrupted run has these settings: starting a new one")
    else:
        output.say(f"going on with run #{before.id}, which is {before.status}")
    resumed = None if before is None else before.uuid
    return start_and_follow(home, config, detach=detach, as_json=as_json, resumed=resumed, early=early)


def _search_failed(home: Home, snapshots: Sequence[RunSnapshot]) -> None:
    """Search the last run that failed, if one did."""
    failed = [snapshot.run.id for snapshot in snapshots if snapshot.run.verdict == "FAIL"]
    if failed:
        # imported here: a run that passes needs none of it
        from vp_tui.tui.commands.plans import search_after

        search_after(home, failed[-1])


def _compared(home: Home, baseline: str, run_id: int, code: int, *, as_json: bool) -> int:
    """Compare a validated run with a baseline; a validation that failed (`code`) is not compared."""
    if code != ExitCode.GOOD:
        output.say(f"not compared with baseline {baseline!r}: the validation ended with exit code {code}")
        return code
    # imported here: other commands do not need the report
    from vp_tui.tui.commands.judging import judge_run

    return judge_run(home, baseline, run_id, as_json=as_json)


def run_series(home: Home, config: RunConfig, kind: GroupKind, order: Sequence[str]) -> list[RunSnapshot]:
    """Run once per entry of `order`, each followed to its end; a failed run ends the series."""
    launch.preflight(config)
    turns = order if len(set(order)) > 1 else ()
    group_id = create_group(home, kind, len(order), label=config.name, order=turns)
    snapshots: list[RunSnapshot] = []
    for index, what in enumerate(order):
        output.say(f"{what} {index + 1} of {len(order)}")
        run_id = launch.create_and_start(home, config, group_id=group_id, repeat_idx=index)
        snapshots.append(follow_own(home, run_id))
        if snapshots[-1].run.status != "completed":
            output.say(
                f"run #{run_id} is {snapshots[-1].run.status}: {len(order) - index - 1} remaining runs are not started"
            )
            break
    return snapshots


def _print(snapshots: Sequence[RunSnapshot], *, is_series: bool, as_json: bool) -> None:
    """Print the most severe run in full and all in a table; with --json an array of documents for a series."""
    worst = max(snapshots, key=exit_code)
    output.print_report(worst, as_json=as_json)
    if is_series:
        lines = runs_table([snapshot.run for snapshot in snapshots])
        (output.aside if as_json else output.result)(f"\n{lines}")
    if as_json:
        output.print_documents(snapshots, as_list=is_series)
