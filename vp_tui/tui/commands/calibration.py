"""`vp-tui calibrate`: run-to-run noise of one unchanged configuration, and the tolerance of comparisons."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.regression.calibration import CONTROLLED, Noise, noise_floor, usable
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
    output.say(_covered(side))
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
    for name in (name for name in METRICS if name in floor):
        tolerance = rule.tolerance(METRICS[name], floor[name].sd, is_primary=name == primary)
        row = {"name": name, "title": METRICS[name].title, "runs": len(runs), "cv": floor[name].sd}
        single = rule.wide_tau(METRICS[name], math.sqrt(2) * floor[name].sd)
        row |= {"tau": tolerance.tau, "tau_single": single, "cv_controlled": _controlled(floor, name)}
        found.append({**row, "is_primary": name == primary})
    return found


def _controlled(floor: Mapping[str, Noise], name: str) -> float | None:
    """Return the noise relative to the reference arm of the same run."""
    found = floor.get(f"{name}{CONTROLLED}")
    return None if found is None else found.sd


def _covered(side: Side) -> str:
    days = sorted({run.session for run in side.runs})
    return f"measured on {', '.join(days)}: noise within a session; how far other days differ it does not say"


def _noise_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the noise floor as a table; the deciding metric is marked."""
    if not found:
        return "no noise floor: too few runs have valid timings"
    rows = [("metric", "runs", "CV", "over reference", "flagged from", "one run a side")]
    for one in found:
        mark = " (decides)" if one["is_primary"] else ""
        title = f"{one['title']}{mark}"
        unit, relative = METRICS[one["name"]].unit, one["cv_controlled"]
        cells = (fmt.percent(one["cv"]), fmt.DASH if relative is None else fmt.percent(relative))
        limits = (fmt.tolerance(one["tau"], unit), fmt.tolerance(one["tau_single"], unit))
        rows.append((title, str(one["runs"]), *cells, *limits))
    return "\n".join([*aligned(rows), *fmt.wrap(_reading(found), 79)])


def _reading(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what the columns are, and whether the machine was too busy to measure anything."""
    said = (
        "CV: spread of single runs; over reference: that of the speed-up; flagged from: the change that a comparison "
        "of five runs a side reports, or of one run a side"
    )
    most = Rule().largest_tau
    if any(one["is_primary"] and one["tau"] > most for one in found):
        said += f"; above {fmt.tolerance(most)} speeds are not called equal: repeat this while nothing else runs"
    return f"{said}."
