"""Commands compare and export, and the comparison at the end of `run --baseline`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from vp_tui.core.errors import UsageError
from vp_tui.core.files import user_path
from vp_tui.core.report import comparison, render, runs_export
from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.comparison_words import accuracy_line, speed_line, title
from vp_tui.core.report.page import WIDTH
from vp_tui.core.report.runs_csv import TABLES
from vp_tui.core.runs import repeats
from vp_tui.core.runs.repeats import ChosenRuns
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.text import plural, safe
from vp_tui.tui.commands import output


def compare_runs(
    home: Home, base: str, candidate: str, *, format: str, file: str, everything: bool, strict: bool
) -> int:
    """Compare two sides and write the report; return the exit code of the outcome.

    Raises:
        UsageError: unknown format. RunNotFoundError, NoBaselineError, RunFailedError: as repeats.sides.
    """
    _require_format(format)
    report = comparison_of(home, lambda reader: repeats.sides(reader, base, candidate))
    text = render.rendered(report, format, everything=everything, width=WIDTH if file else output.page_width())
    _write(text, format, file, outcome=_outcome(report))
    return report.comparison.exit_code(strict=strict)


def comparison_of(home: Home, choose: Callable[[Reader], ChosenRuns]) -> ComparisonReport:
    """Return the comparison of the two sides that `choose` finds.

    Raises:
        As `choose`. UsageError: the runs of a side are not repeats, or one has not ended.
    """
    with Reader(home) as reader:
        chosen = choose(reader)
        return comparison.build(reader, chosen.base_ids, chosen.cand_ids)


def judge_run(home: Home, name: str, run_id: int, *, as_json: bool) -> int:
    """Compare a run (and its repeats) with the baseline called `name` and print the result.

    Raises:
        NoBaselineError: no baseline of that name.
    """
    report = comparison_of(home, lambda reader: repeats.against(reader, name, run_id))
    outcome = f"compared with baseline {safe(name)!r}: {_outcome(report)}"
    if as_json:
        output.say(outcome)
    else:
        output.result(outcome)
    return report.comparison.exit_code()


def _outcome(report: ComparisonReport) -> str:
    """Both verdicts, then a line for each."""
    return "\n".join(map(safe, (f"{report.words}: {title(report)}", accuracy_line(report), speed_line(report))))


def export_runs(home: Home, runs: Sequence[str], *, format: str, table: str, file: str) -> None:
    """Write runs with all measures and per-sequence rows, each run once; CSV into a folder is one file per table.

    Raises:
        UsageError: unknown format or table, or a table of another format. RunNotFoundError: no such run.
    """
    _require_format(format)
    if table and format != "csv":
        raise UsageError(f"--table {table}: only csv has tables; add --format csv")
    with Reader(home) as reader:
        run_ids = dict.fromkeys(reader.find(run) for run in runs)
        found = [(reader.snapshot(run_id), reader.results(run_id)) for run_id in run_ids]
    outcome = plural(len(found), "run")
    if format == "csv" and not table and file and user_path(file).is_dir():
        for name in TABLES:
            path = str(Path(file) / f"{name}.csv")
            _write(runs_export.exported(found, format, table=name), format, path, outcome=outcome)
        return
    _write(runs_export.exported(found, format, table=table or TABLES[0]), format, file, outcome=outcome)


def _require_format(format: str) -> None:
    if format not in render.FORMATS:
        raise UsageError(f"--format {format!r}: use one of {', '.join(render.FORMATS)}")


def _write(text: str, format: str, file: str, *, outcome: str) -> None:
    """Write to `file` or stdout; in a table on stdout, stored text cannot send control sequences to the terminal."""
    if file:
        render.write(user_path(file), text)
        output.say(f"{outcome}; written to {file}")
        return
    lines = text.removesuffix("\n").split("\n")
    output.result("\n".join(map(safe, lines)) if format == "table" else "\n".join(lines))
