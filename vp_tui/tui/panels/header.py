"""Head of the Live screen: run, progress, verdict so far."""

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.marks import Level, level_of, line, lines, styled

SILENT_S = 15.0
"""Heartbeat timeout: a run writes one every second."""
_SILENT = f"Stalled: no heartbeat for {fmt.whole(SILENT_S)} s. Press 5 for the log, x to stop."
_FULL, _HALF, _EMPTY = "\u2501", "\u2578", "\u2500"


def header(snapshot: RunSnapshot, width: int, *, is_silent: bool = False) -> Content:
    """Return three lines, and one more per warning; `is_silent` after SILENT_S without a heartbeat."""
    run = snapshot.run
    rows = [_title(run, width), _progress(run, width), _verdict(snapshot)]
    if is_silent and run.is_active:
        rows.append(line(("~ ", "warn"), (_SILENT, "warn")))
    rows += [line(("! ", "fail"), (fmt.safe(reason), "warn")) for reason in _reasons(run)]
    return lines(rows)


def _title(run: RunRow, width: int) -> Content:
    right = f"elapsed {fmt.duration(elapsed_s(run))}"
    if run.is_active:
        right += f"  ETA {fmt.duration(run.eta_s)}"
    precisions = f"{fmt.safe(run.precision)} vs {fmt.safe(run.reference)}"
    device = f" on {fmt.safe(run.device)}" if run.device else ""
    fixed = f"#{run.id}   {precisions}{device}  {right}"
    names = fmt.clip(run_names(run), max(8, width - len(fixed)))
    left = f"#{run.id} {names}  {precisions}"
    gap = max(1, width - len(left) - len(device) - len(right))
    return line((left, "title"), (device, "dim"), " " * gap, right)


def run_names(run: RunRow) -> str:
    """Return the name of the run, if any, and that of the model; of a path only the last part."""
    model = fmt.safe(run.model).rstrip("/").rsplit("/", 1)[-1]
    return f"{fmt.safe(run.name)} ({model})" if run.name else model


def elapsed_s(run: RunRow) -> float | None:
    """Return the time from the start to the end, or to the last heartbeat."""
    end = run.ended_at_us or run.heartbeat_at_us
    if run.started_at_us is None or end is None:
        return None
    return max(0, end - run.started_at_us) / 1e6


def _progress(run: RunRow, width: int) -> Content:
    counts = f" {fmt.share(run.done, run.total)}  {fmt.exact(run.done)}/{fmt.exact(run.total)}"
    if not run.total:
        counts = "  sequences not counted yet" if run.is_active else "  no sequences counted"
    status = run.status.upper()
    doing = run.phase or ("starting the process" if run.status == "queued" else "")
    phase = f"  {fmt.safe(doing)}" if run.is_active and doing else ""
    room = width - len(status) - 1 - len(counts)
    # the text matters more than the length of the bar
    columns = max(8, min(40, room - len(phase)))
    room -= columns
    return line((status, level_of(run.status)), " ", _bar(run, columns), counts, (fmt.clip(phase, max(0, room)), "dim"))


def _bar(run: RunRow, columns: int) -> Content:
    halves = 2 * columns * min(run.done, run.total) // run.total if run.total else 0
    filled = _FULL * (halves // 2) + _HALF * (halves % 2)
    return line((filled, "info"), (_EMPTY * (columns - len(filled)), "dim"))


def _verdict(snapshot: RunSnapshot) -> Content:
    run = snapshot.run
    if run.verdict is not None:
        return line((run.verdict, level_of(run.verdict)), f"  {fmt.safe(run.sentence or '')}")
    overall = next((stats for stats in snapshot.strata if stats.scope == "all" and stats.n), None)
    if overall is None:
        return styled("no verdict yet: no sequence compared" if run.is_active else "no verdict", "dim")
    word, level = _so_far(overall)
    # an aborted run has no verdict, however good its first sequences were
    words = f"{word} so far" if run.is_active or level == "fail" else "no verdict"
    counts = _counts(overall, snapshot.limits.fail(M1))
    return line((words, level if words != "no verdict" else "dim"), f"  {counts}")


def _so_far(overall: StratumStats) -> tuple[str, Level]:
    """Return V1 and M1 as counts; the verdict itself is made at the end of the run."""
    bad = overall.below + overall.nan + overall.inf
    return ("FAIL", "fail") if bad else ("PASS", "good")


def _counts(overall: StratumStats, limit: float) -> str:
    return (
        f"{fmt.exact(overall.n)} compared: {fmt.exact(overall.below)} at or below {fmt.limit(limit)}, "
        f"{fmt.exact(overall.nan)} NaN, {fmt.exact(overall.inf)} Inf"
    )


def _reasons(run: RunRow) -> list[str]:
    reasons = [run.precision_reason]
    if run.status in {"failed", "interrupted", "cancelled"}:
        reasons.append(f"{run.status}: {run.status_reason}" if run.status_reason else None)
    elif run.is_active:
        reasons.append(run.status_reason)
    return [reason for reason in reasons if reason]
