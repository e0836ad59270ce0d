"""Mean, standard deviation and outliers of the embeddings, reference and candidate."""

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import ARMS
from vp_tui.core.measurements import Numbers, from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.marks import line, lines, styled

TITLE = "embeddings"
_NAME, _CELL = 14, 12


def embeddings(snapshot: RunSnapshot) -> Content:
    """Return statistics over all elements of all sequences, or why they are missing."""
    values = from_document(snapshot.measures).values
    spread, outliers = (values.get(measure, {}).get("all", {}) for measure in ("S5", "S6"))
    if all(spread.get(f"mean_{arm}") is None for arm in ARMS):
        return styled(_not_measured(snapshot), "dim")
    run = snapshot.run
    names = (fmt.clip(fmt.safe(name), _CELL - 1) for name in (run.reference, run.precision))
    return lines(
        [
            styled(f"{'':<{_NAME}}" + "".join(f"{name:>{_CELL}}" for name in names), "dim"),
            _row("mean", [fmt.error(value) for value in _both(spread, "mean")]),
            _row("std", [fmt.error(value) for value in _both(spread, "std")]),
            _row("beyond 3 std", [fmt.percent(value) for value in _both(outliers, "outlier_share")]),
        ]
    )


def _both(numbers: Numbers, name: str) -> list[float | None]:
    return [numbers.get(f"{name}_{arm}") for arm in ARMS]


def _row(name: str, cells: list[str]) -> Content:
    return line((f"{name:<{_NAME}}", "dim"), "".join(f"{cell:>{_CELL}}" for cell in cells))


def _not_measured(snapshot: RunSnapshot) -> str:
    if snapshot.run.is_active:
        return "measured after the last sequence"
    if snapshot.run.status == "completed":
        return "not measured in this run"
    return f"not measured: the run was {snapshot.run.status}"
