"""`vp-tui calibrate`: run-to-run noise of one unchanged configuration, and the tolerance of comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.regression.calibration import noise_floor, usable
from vp_tui.core.regression.metrics import METRICS, PRIMARY
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import Side
from vp_tui.core.report.inputs import side_of
from vp_tui.core.report.page import aligned
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.tui.commands import output
from vp_tui.tui.commands.follow import exit_code
from vp_tui.tui.commands.series import run_series
from vp_tui.tui.commands.starting import configured


def calibrate(home: Home, values: Mapping[str, Any], count: int, *, as_json: bool) -> int:
    """Run one configuration 2 x `count` times and print the noise and the resulting tolerance of each metric.

    The halves A and A' are identical and interleaved like the two sides of a comparison.
    """
    config = configured({**values, "fp32_compare": True})
    order = [("A", "A'", "A'", "A")[index % 4] for index in range(2 * count)]
    snapshots = run_series(home, config, "aa_calibration", order)
    code = max(map(exit_code, snapshots))
    if len(snapshots) < len(order) or any(snapshot.run.status != "completed" for snapshot in snapshots):
        return code
    with Reader(home) as reader:
        side = side_of(reader, snapshots, "the calibration", Rule())
    found = _noise(side, Rule())
    if as_json:
        runs = [{"id": snapshot.run.id, "uuid": snapshot.run.uuid} for snapshot in snapshots]
        output.result(output.dumped({"group": snapshots[0].run.group_id, "runs": runs, "metrics": found}))
    else:
        output.result(_noise_table(found))
    return code


def _noise(side: Side, rule: Rule) -> list[dict[str, Any]]:
    """Return per metric the noise (CV of single runs, a fraction) and the tolerance of a comparison."""
    runs, notes = usable(side.runs)
    for note in notes:
        output.say(note)
    floor = noise_floor(side, rule)
    primary = next((name for name in PRIMARY if name in floor), None)
    found = []
    for name, noise in floor.items():
        tolerance = rule.tolerance(METRICS[name], noise, is_primary=name == primary)
        row = {"name": name, "title": METRICS[name].title, "runs": len(runs), "cv": noise, "tau": tolerance.tau}
        found.append({**row, "is_primary": name == primary})
    return found


def _noise_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the noise floor as a table; the deciding metric is marked."""
    if not found:
        return "no noise floor: too few runs have valid timings"
    rows = [("metric", "runs", "CV", "flagged from")]
    for one in found:
        mark = " (decides)" if one["is_primary"] else ""
        title = f"{one['title']}{mark}"
        rows.append(
            (title, str(one["runs"]), fmt.percent(one["cv"]), fmt.tolerance(one["tau"], METRICS[one["name"]].unit))
        )
    return "\n".join(aligned(rows))
