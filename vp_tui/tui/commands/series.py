"""Fresh processes of one configuration, one after the other: what `run` does, with --repeats and --baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.report.document import run_document
from vp_tui.core.runs import launch
from vp_tui.core.runs.repeats import require_baseline
from vp_tui.core.store.groups import GroupKind, create_group
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.commands import output
from vp_tui.tui.commands.follow import exit_code, follow_own
from vp_tui.tui.commands.starting import configured, start_and_follow
from vp_tui.tui.text import runs_table

_ANEW = "the reference is encoded anew (--fp32-compare): beside a stored one the clocks would be others"


def validate(
    home: Home, values: Mapping[str, Any], *, count: int, baseline: str | None, detach: bool, as_json: bool
) -> int:
    """Validate once or several times, and hold the result against a baseline where one is named.

    Raises:
        UsageError: an option is wrong, or --detach with what only a command that stays can do.
        NoBaselineError: no active baseline has that name; nothing was started.
    """
    config = configured(values)
    if detach and (count > 1 or baseline):
        raise UsageError("--detach starts one run and leaves: --repeats and --baseline need the command to stay")
    if baseline is not None:
        # before hours are spent
        with Reader(home) as reader:
            require_baseline(reader, baseline)
    if count == 1 and baseline is None:
        return start_and_follow(home, config, detach=detach, as_json=as_json)
    if not config.fp32_compare:
        output.say(_ANEW)
        config = config.model_copy(update={"fp32_compare": True})
    if count == 1:
        snapshots = [follow_own(home, launch.create_and_start(home, config))]
    else:
        snapshots = run_series(home, config, "validate", ["repeat"] * count)
    _print(snapshots, is_series=count > 1, as_json=as_json)
    code = max(map(exit_code, snapshots))
    if baseline is None:
        return code
    if code != ExitCode.GOOD:
        output.say(f"not compared with baseline {baseline!r}: the validation itself ended with exit code {code}")
        return code
    # the rule and its report are loaded where they are needed
    from vp_tui.tui.commands.judging import judge_run

    return judge_run(home, baseline, snapshots[-1].run.id, as_json=as_json)


def run_series(home: Home, config: RunConfig, kind: GroupKind, order: Sequence[str]) -> list[RunSnapshot]:
    """One run per entry of `order`, each followed to its end; a run that breaks off ends the series."""
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
                f"run #{run_id} is {snapshots[-1].run.status}: the other {len(order) - index - 1} are not started"
            )
            break
    return snapshots


def _print(snapshots: Sequence[RunSnapshot], *, is_series: bool, as_json: bool) -> None:
    """The worst run in full, all in a table; with --json an array of documents for a series."""
    gravest = max(snapshots, key=exit_code)
    output.print_report(gravest, as_json=as_json)
    if is_series:
        lines = runs_table([snapshot.run for snapshot in snapshots])
        (output.aside if as_json else output.result)(f"\n{lines}")
    if as_json:
        documents = [run_document(snapshot) for snapshot in snapshots]
        output.result(output.dumped(documents if is_series else documents[0]))
