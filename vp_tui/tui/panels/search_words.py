"""What screen 4 says of a search before it, while it runs, and after it: from its state to text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.formats import runs_fp8
from vp_tui.core.inputs.units import IN_BLOCK
from vp_tui.core.report import headings as words
from vp_tui.core.runs.search.algorithm import Stage
from vp_tui.core.runs.search.formats import formats
from vp_tui.core.runs.search.launch import SearchState
from vp_tui.core.runs.search.records import SearchResult, Status, Trial
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.keymap import BY_ID, shown
from vp_tui.tui.marks import MARKS, Level, level_of, line, styled

PURPOSE: Final = (
    "A model may lose its accuracy in FP16 through a few operations only, such as a sum that leaves the range of the "
    "format. A search looks for the smallest set of operations to keep in FP32 with which the run passes, and confirms "
    "it on sequences that it has not seen."
)
STAGES: Final[Mapping[Stage, str]] = {
    "base": "nothing kept",
    "all": "everything kept",
    "range": "what leaves the range",
    "cheap": "everything that costs little",
    "prefix": "the most suspicious operations",
    "prune": "dropping what is not needed",
    "confirm": "unseen sequences",
}
ENDED: Final[Mapping[Status, tuple[str, Level]]] = {
    "confirmed": ("plan found and confirmed", "good"),
    "unconfirmed": ("plan found, not confirmed", "warn"),
    "budget": ("all trials spent", "warn"),
    "not-precision": ("not a precision fault", "fail"),
    "not-reproduced": ("the failure does not repeat", "warn"),
    "none": ("no plan passes", "fail"),
}


@dataclass(frozen=True, slots=True)
class Eligible:
    """Whether a run can be searched, and why."""

    is_possible: bool
    faster: bool
    """The search would look for a faster plan of a run that passed."""
    words: str


def key_of(name: str, moved: Mapping[str, str]) -> str:
    """Return a key of the screen as the reader sees it; `moved` are the user's own, by id."""
    id_ = f"search.{name}"
    return shown(moved.get(id_, BY_ID[id_].key))


def eligible(snapshot: RunSnapshot, start_key: str) -> Eligible:
    """Return whether `start_key` can start a search of the run, with the reason in words."""
    run, precision = snapshot.run, snapshot.config.get("precision", snapshot.run.precision)
    is_planned, has_passed = snapshot.config.get("plan") is not None, run.verdict in {"PASS", "WARN"}
    told = _out_of_question(snapshot)
    if is_planned and has_passed:
        told = f"{run.verdict} with {run.precision}: the plan holds, there is nothing left to search."
    if told:
        return Eligible(False, False, told)
    try:
        base, keep = formats(run, precision, is_planned=is_planned, faster=False)
    except UsageError as error:
        return _faster(snapshot, precision, start_key) if has_passed else Eligible(False, False, _sentence(str(error)))
    told = f"The run failed in {base}: press {start_key} to search for the operations to keep in {keep}."
    return Eligible(True, False, told)


def _out_of_question(snapshot: RunSnapshot) -> str:
    """Return why no search of the run makes sense, whatever its verdict is; empty where one may."""
    run = snapshot.run
    if run.is_active:
        return "The run has not finished: a search needs its verdict."
    if run.verdict is None:
        return f"The run ended without a verdict ({run.status}): validate again, then search."
    if not IN_BLOCK.get(snapshot.model.get("kind", "hf")):
        return "This model runs inside transformers, where no operation can be kept in a format of its own."
    return ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _faster(snapshot: RunSnapshot, precision: str, start_key: str) -> Eligible:
    """Return what is left to do for a run that passed."""
    nothing = f"{snapshot.run.verdict}: every operation can stay in {precision}, there is nothing to keep."
    try:
        has_fp8 = runs_fp8(snapshot.environment)
        base, keep = formats(
            snapshot.run,
            precision,  # type: ignore[arg-type]
            is_planned=False,
            faster=True,
            has_fp8=has_fp8,
        )
    except UsageError:
        told = "A run in fp32 or tf32 that passed can be searched for a faster plan (`vp-tui search RUN --faster`)"
        return Eligible(False, True, f"{nothing} {told}; of {precision} no faster format is known.")
    told = (
        f"Press {start_key} to look for a faster plan that still passes (`--faster`): {base}, and {keep} where needed."
    )
    return Eligible(True, True, f"{nothing} {told}")


def title(snapshot: RunSnapshot, state: SearchState | None, *, is_unreadable: bool = False) -> Content:
    """Return the line that names the run and how far its search is."""
    run = snapshot.run
    where = _where(state, is_unreadable=is_unreadable)
    verdict = run.verdict or run.status
    arms = f"  {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}  "
    return line((f"Run #{run.id}", "title"), arms, (verdict, level_of(verdict)), "   Search: ", where)


def _where(state: SearchState | None, *, is_unreadable: bool) -> tuple[str, Level]:
    if is_unreadable:
        return "cannot be read", "fail"
    if state is None:
        return "reading ...", "dim"
    if state.is_running:
        return "running", "info"
    if state.result is not None:
        return ENDED[state.result.status]
    return ("interrupted", "warn") if state.trials else ("none yet", "dim")


def before(snapshot: RunSnapshot, state: SearchState, start_key: str) -> list[Content]:
    """Return what a search does, whether this run can be searched, and how an unfinished one ended."""
    answer = eligible(snapshot, start_key)
    level: Level = "info" if answer.is_possible else "good" if snapshot.run.verdict == "PASS" else "plain"
    rows = [Content(PURPOSE), Content(""), styled(fmt.safe(answer.words), level)]
    if state.trials and answer.is_possible:
        done = fmt.plural(done_of(state.trials), "trial")
        rows.append(line((f"{MARKS['warn']} ", "warn"), f"A search stopped after {done}: {start_key} continues there."))
    if state.last_line:
        rows.append(line((f"{MARKS['warn']} ", "warn"), "Last line of the search: ", fmt.safe(state.last_line)))
    return rows


def done_of(trials: Sequence[Trial]) -> int:
    """Return how many trials have ended; a continued search runs the first one again."""
    return sum(one.stage != "base" for one in trials) + any(one.stage == "base" for one in trials)


def progress(state: SearchState) -> list[Content]:
    """Return trial, stage, time left, last line, and the trials so far, the newest first."""
    done = done_of(state.trials)
    most = "" if state.budget is None else f" of at most {max(done + 1, state.budget)}"
    rows = [line((f"Trial {done + 1}{most}", "title"), f"   {remaining(state)}")]
    if state.trials:
        rows.append(Content(f"Stage of the last trial: {STAGES[state.trials[-1].stage]}"))
    if state.last_line:
        rows.append(line(("Last line: ", "dim"), fmt.safe(state.last_line)))
    rows += [styled("It continues when you leave this screen or the dashboard.", "dim"), Content("")]
    return [*rows, *trial_rows(state.trials)]


def remaining(state: SearchState) -> str:
    """Return the time that the rest takes at most, from the trials so far."""
    if not state.trials or state.budget is None:
        return "loading the model and the sequences" if not state.trials else ""
    each_s = sum(one.seconds for one in state.trials) / len(state.trials)
    left = max(1, state.budget - done_of(state.trials))
    return f"at most {fmt.duration(left * each_s)} left, usually less"


def trial_rows(trials: Sequence[Trial]) -> list[Content]:
    """Return a line per trial, the newest first."""
    if not trials:
        return []
    rows = [styled(f"{'trial':>5} {'kept':>5}  {'result':<20} {words.LOWEST_SHORT:>10}  set", "title")]
    for number, one in reversed(list(enumerate(trials, start=1))):
        gap = "NaN" if one.nonfinite or one.cosine_min is None else fmt.similarity(one.cosine_min)
        told = "passes" if one.passed else f"{MARKS['fail']} fails {one.failing}"
        level: Level = "good" if one.passed else "fail"
        result = (f"{fmt.clip(told, 20):<20} {gap:>10}", level)
        rows.append(line(f"{number:>5} {len(one.kept):>5}  ", result, (f"  {STAGES[one.stage]}", "dim")))
    return rows


def after(result: SearchResult, *, is_changed: bool, start_key: str, accept_key: str, forbid_key: str) -> list[Content]:
    """Return what the search found and what to do next."""
    rows = [Content(fmt.safe(_sentence(result.sentence)))]
    if is_changed:
        rows.append(line(("Next: ", "dim"), (start_key, "info"), " searches again with the marks you changed."))
    elif result.status == "confirmed":
        told = " accepts the plan: it validates this run again with it."
        rows.append(line(("Next: ", "dim"), (accept_key, "info"), told))
    elif result.status == "budget":
        rows.append(line(("Next: ", "dim"), (start_key, "info"), " continues with more trials."))
    elif result.status == "none":
        rows.append(line(("Next: ", "dim"), (forbid_key, "info"), " allows the operation under the cursor again."))
    return rows
