"""`vp-tui search` and `vp-tui plan`: find, list, show and store precision plans."""

from collections.abc import Sequence
from typing import Final, get_args

from vp_tui.core import text as fmt
from vp_tui.core.config import PLAN_PREFIX, Precision, PrecisionPlan
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.files import user_path
from vp_tui.core.fingerprint import plan_hash
from vp_tui.core.inputs import units
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.report import headings as words
from vp_tui.core.report.answers import run_command
from vp_tui.core.report.page import aligned
from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.launch import arguments_of
from vp_tui.core.runs.search.records import SearchResult
from vp_tui.core.store import plans
from vp_tui.core.store.home import Home
from vp_tui.core.store.plans import StoredPlan
from vp_tui.core.store.reader import Reader
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import run_stoppable

_ENDED: Final = frozenset({ExitCode.GOOD, ExitCode.VALIDATION_FAILED, ExitCode.INCONCLUSIVE})
"""Exit codes of a search that came to a result."""


def search_run(
    home: Home, run: str, *, budget: int, faster: bool, pin: Sequence[str], forbid: Sequence[str], as_json: bool
) -> int:
    """Search in a worker process, then print the result; return the exit code.

    Raises:
        RunNotFoundError: no such run.
    """
    with Reader(home) as reader:
        run_id = reader.find(run)
    code, result = _searched(home, run_id, arguments_of(run_id, budget=budget, faster=faster, pin=pin, forbid=forbid))
    if result is None:
        return code
    if as_json:
        output.result(output.dumped(records.document(result)))
    else:
        output.result(_in_words(home, run_id, result))
    return code


def search_after(home: Home, run_id: int) -> None:
    """Search a run that has just failed; everything goes to stderr, as the result of the run is on stdout."""
    output.say(f"run #{run_id} failed: searching for the operations to keep in FP32")
    _, result = _searched(home, run_id, arguments_of(run_id))
    if result is not None:
        output.aside(_in_words(home, run_id, result))


def _searched(home: Home, run_id: int, arguments: list[str]) -> tuple[int, SearchResult | None]:
    """Search in the foreground; return the exit code, and the result if the search came to one."""
    with Reader(home) as reader:
        folder = home.run_folder(reader.run(run_id).uuid)
    code = run_stoppable(home, "search", arguments)
    # after an error the folder may have the result of an earlier search
    return code, records.read_result(folder) if code in _ENDED else None


def _in_words(home: Home, run_id: int, result: SearchResult) -> str:
    """Return the result as lines of text, and the command that validates the plan."""
    lines = [fmt.safe(result.sentence)]
    if result.reasons:
        lines += ["", *aligned([*result.reasons.items()])]
    if result.choices:
        lines += ["", *aligned(_choice_rows(result))]
    lines += [f"note: {fmt.safe(note)}" for note in result.notes]
    trials, seconds = fmt.plural(result.trials, "trial"), fmt.seconds(result.seconds)
    lines += ["", f"{trials} on {result.searched} sequences, {seconds} on {result.device}"]
    if result.status == "confirmed" and result.plan is not None:
        with Reader(home) as reader:
            command = run_command(reader.snapshot(run_id), f"{PLAN_PREFIX}{result.plan.name}")
        lines.append(f"next: {command}")
    return "\n".join(lines)


def _choice_rows(result: SearchResult) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("plan", "units kept", "passes", words.LOWEST, words.TOKENS, "weights")]
    for one in result.choices:
        gap = "NaN" if one.cosine_min is None else fmt.similarity(one.cosine_min)
        passes = "yes" if one.passed else "no"
        rows.append((one.name, str(one.kept), passes, gap, fmt.number(one.tokens_per_s), fmt.size(one.weight_bytes)))
    return rows


def print_plans(home: Home, *, as_json: bool) -> None:
    """Print the stored plans."""
    stored = plans.listed(home)
    if as_json:
        output.result(output.dumped([plans.document(one) for one in stored]))
        return
    if not stored:
        output.say("no plans are stored; `vp-tui search RUN` finds one, `vp-tui plan save` stores one")
        return
    rows = [("name", "precision", "kept", "found by"), *(_plan_row(one) for one in stored)]
    output.table(rows)


def _plan_row(stored: StoredPlan) -> tuple[str, ...]:
    plan, origin = stored.plan, stored.origin
    kept = f"{fmt.plural(len(plan.kept), 'unit')} in {'/'.join(sorted(set(plan.kept.values()))) or fmt.DASH}"
    found = "you" if origin is None else f"run {origin.run_uuid[:8]}{'' if origin.is_confirmed else ' (unconfirmed)'}"
    return (plan.name, plan.precision, kept, "edited by hand" if stored.is_edited else found)


def print_plan(home: Home, name: str, *, as_json: bool) -> None:
    """Print one plan, as a table or as a plan file. Raises UsageError: no such plan."""
    stored = plans.load(home, name)
    if as_json:
        output.result(output.dumped(plans.document(stored)))
        return
    rows = [("name", stored.plan.name), ("base", stored.plan.precision), ("digest", plan_hash(stored.plan)[:16])]
    rows += [(unit, own) for unit, own in stored.plan.kept.items()]
    output.table(rows)


def import_plan(home: Home, name: str, file: str) -> None:
    """Store a plan file under a name. Raises UsageError: not a plan."""
    stored = plans.read(user_path(file))
    _saved(home, stored.plan.model_copy(update={"name": name}), stored.origin)


def make_plan(home: Home, name: str, keep: Sequence[str], *, model: str, base: str, keep_in: str) -> None:
    """Store a plan of the named units.

    Raises:
        UsageError: an unknown precision or unit, or no model. ModelError: no such checkpoint.
    """
    formats = {base: get_args(Precision), keep_in: (*get_args(Precision), "fp8")}
    wrong = [one for one, known in formats.items() if one not in known]
    if wrong:
        raise UsageError(f"unknown precision {wrong[0]!r}: use one of {', '.join(formats[wrong[0]])}")
    source = resolve(model) if model else None
    if source is None or not source.is_here:
        raise UsageError(f"--model {model!r}: give the local checkpoint whose units the plan keeps")
    patterns = [part.strip() for one in keep for part in one.split(",") if part.strip()]
    chosen = units.expand(patterns, units.units_of(read_spec(source.path, source.name)))
    plan = PrecisionPlan.model_validate({"name": name, "precision": base, "kept": dict.fromkeys(chosen, keep_in)})
    _saved(home, plan, None)


def _saved(home: Home, plan: PrecisionPlan, origin: plans.Origin | None) -> None:
    path = plans.save(home, plan, origin)
    output.say(f"plan {plan.name}: {fmt.plural(len(plan.kept), 'unit')} kept; use it with --precision plan:{plan.name}")
    output.result(str(path))
