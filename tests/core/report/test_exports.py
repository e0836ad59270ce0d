"""Every format: what it says, read back by readers that know nothing of the writer, and held against golden files."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import independent
import pytest
from independent import Page, csv_rows, junit_cases, markdown_tables, strict_json

from vp_tui.core.errors import UsageError
from vp_tui.core.report import render
from vp_tui.core.report.page import WIDTH
from vp_tui.core.report.runs_export import exported

GOLDEN = Path(__file__).parents[2] / "golden/report"
FORMATS = render.FORMATS


def golden(name, found):
    """Hold a text against its file; `VP_TUI_WRITE_GOLDEN=1 pytest tests/core/report` writes it; read its diff.

    Nine digits of a number are compared: the last ones of a logarithm are another processor's own. The curves of the
    charts belong to matplotlib; that they are there, and where, is asked below.
    """
    found = re.sub(r"<svg.*?</svg>", "<svg></svg>", found, flags=re.DOTALL)
    found = re.sub(r"-?\d+\.\d{9,}(e[-+]\d+)?", lambda number: f"{float(number[0]):.9g}", found)
    path = GOLDEN / name
    if os.environ.get("VP_TUI_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize("format", FORMATS)
def test_a_comparison_is_written_as_in_the_golden_file(regressed, format):
    golden(f"comparison.{format}", render.rendered(regressed, format))


@pytest.mark.parametrize("width", [80, 100])
def test_a_comparison_keeps_to_its_width_and_no_number_in_it_is_broken_or_cut(regressed, width):
    text = render.rendered(regressed, "table", everything=True, width=width)
    assert max(map(len, text.splitlines())) <= width
    whole = render.rendered(regressed, "table", everything=True, width=200)
    numbers = re.compile(r"\d+\.\d+")
    rows = [set(numbers.findall(line)) for line in whole.splitlines() if "0.999" in line]
    found = [set(numbers.findall(line)) for line in text.splitlines() if "0.999" in line]
    assert len(rows) > 3
    assert found == rows


def test_runs_are_exported_as_in_the_golden_file(loaded, runs):
    text = exported([loaded("cpu"), loaded("broken")], "table")
    golden("runs.table", text.replace(str(runs.home.root), "HOME"))


def test_the_same_report_gives_the_same_bytes(regressed, build):
    for format in FORMATS:
        text = render.rendered(regressed, format, everything=True)
        assert text == render.rendered(build("good", "bad"), format, everything=True)
        assert text.endswith("\n")


def test_every_format_begins_with_the_verdict_and_puts_differences_before_judgements(regressed):
    table, markdown, html = (render.rendered(regressed, format) for format in ("table", "md", "html"))
    assert table.startswith("accuracy REGRESSED, performance REGRESSED: B compared with A")
    assert markdown.splitlines()[0].endswith("accuracy REGRESSED, performance REGRESSED")
    for text in (table, markdown, html):
        places = [text.index(word) for word in ("REGRESSED", "Configuration", "256", "Environment", "Results")]
        assert places == sorted(places)


def test_only_differences_are_shown_unless_everything_is_asked_for(regressed):
    alike = sum(item.outcome in {"EQUIVALENT", "IDENTICAL"} for item in regressed.items)
    for format in ("table", "md", "html"):
        few, all_ = (render.rendered(regressed, format, everything=everything) for everything in (False, True))
        assert "580.1" not in few
        assert "580.1" in all_
        assert f"{alike} metrics are equivalent or identical" in few
        assert "EQUIVALENT" in all_
    few, all_ = (strict_json(render.rendered(regressed, "json", everything=every)) for every in (False, True))
    assert set(few["differences"]["config"]) == {"token_budget"}
    assert few["differences"]["config"]["token_budget"] == ["auto", 256]
    assert set(all_["differences"]["config"]) > {"token_budget", "input"}
    assert few["items"] == all_["items"], "a judgement is never left out for a program"


def test_a_table_fits_its_width_whatever_is_in_it(regressed, hostile, build, loaded):
    for text in (
        *(render.rendered(one, "table", everything=True) for one in (regressed, hostile, build("good", "cpu"))),
        exported([loaded("hostile"), loaded("good")], "table"),
    ):
        assert max(map(len, text.splitlines())) <= WIDTH


def test_every_judgement_is_in_every_format_with_its_numbers(regressed):
    items = {(item.name, item.scope): item for item in regressed.items}
    document = strict_json(render.rendered(regressed, "json"))
    assert {(one["name"], one["scope"]): one["outcome"] for one in document["items"]} == {
        key: item.outcome for key, item in items.items()
    }
    rows = {(row["name"], row["scope"]): row for row in csv_rows(render.rendered(regressed, "csv"))}
    assert {key: row["outcome"] for key, row in rows.items()} == {key: item.outcome for key, item in items.items()}
    speeds = rows["tokens_per_s", "all"]
    # the median of five rates; the change is that of the metric itself
    assert (float(speeds["base"]), float(speeds["cand"])) == (pytest.approx(2000.0), pytest.approx(1700.0))
    assert float(speeds["change"]) == pytest.approx(-0.15)
    assert float(speeds["low"]) <= -0.15 <= float(speeds["high"])
    cases = {case[2]: case[3] for case in junit_cases(render.rendered(regressed, "junit"))}
    expected = {"REGRESSED": "failure", "SUSPECT": "skipped", "INCONCLUSIVE": "skipped"}
    for (name, scope), item in items.items():
        assert cases[f"{name} [{scope}]"] == expected.get(item.outcome, "passed")
    page = Page(render.rendered(regressed, "html", everything=True))
    tables = [row for table in markdown_tables(render.rendered(regressed, "md", everything=True)) for row in table]
    for rows in (page.rows, tables):
        row = next(row for row in rows if row[1:3] == ["tokens/s", "all"])
        assert row[0] == "REGRESSED"
        assert [independent.unescaped(cell) for cell in row[3:6]] == ["2000", "1700", "-15.0%"]
        assert row[9] == "5v5"


def test_a_comparison_without_a_verdict_is_no_success_for_a_ci_server(build):
    report = build("good", "cpu")
    cases = {case[1:3]: case[3] for case in junit_cases(render.rendered(report, "junit"))}
    assert cases["comparison", "verdict"] == "error"
    assert cases["accuracy", "comparable"] == cases["performance", "comparable"] == "skipped"


def test_gates_that_the_candidate_fails_are_failures_and_come_first(build):
    text = render.rendered(build("good", "broken"), "junit")
    failed = [case[2] for case in junit_cases(text) if case[3] == "failure"]
    assert failed[0] == "nonfinite [all]"
    assert "below_limit [short]" in failed
    assert "hard gates" not in text


def test_facts_that_forbid_a_comparison_are_in_every_format(build):
    report = build("good", "cpu")
    for format in ("table", "md", "html"):
        text = render.rendered(report, format)
        assert "different data" in text
        assert text.count("not judged") > 2
        assert "dadadadadadadada" in text
        assert "0000000000000000" in text
    facts = strict_json(render.rendered(report, "json"))["differences"]["accuracy_facts"]
    assert facts == {"dataset_sha256": ["da" * 32, "00" * 32]}


def test_the_charts_are_in_the_page_or_words_in_their_place(regressed, build):
    page = Page(render.rendered(regressed, "html"))
    assert page.tags.count("svg") == 4
    assert all(words in page.words for words in ("short: 10", "limit 0.99", "goal 80%", "pinned baseline"))
    on_cpu = Page(render.rendered(build("cpu", "cpu"), "html"))
    assert "CPU" in on_cpu.words
    assert on_cpu.tags.count("svg") == 2


def test_the_limit_line_stands_where_the_limit_is(regressed):
    """Of one chart: a cosine of 0.99 and the tick of 0.99 are one x."""
    from vp_tui.core.report import charts

    svg = charts.distribution(regressed)
    line = re.search(r'd="M ([\d.]+) [\d.]+ \nL \1 [\d.]+ \n"[^>]*stroke: var\(--limit\)', svg)
    # a tick is the `use` before its label
    mark, label = r'<use href="#[^"]*" x="([\d.]+)"[^>]*/>', r"<text[^>]*>([^<]*)"
    ticks = re.findall(rf"{mark}\s*</g>\s*</g>\s*<g[^>]*>\s*(?:<!--[^>]*-->\s*)?{label}", svg)
    places = {label: float(x) for x, label in ticks}
    # a hundredth of a point: the digits of the file
    assert float(line[1]) == pytest.approx(places["0.99"], abs=0.01)
    assert places["0.999"] < places["0.99"]


def test_colours_come_from_the_page_so_that_dark_and_print_work(regressed):
    html = render.rendered(regressed, "html")
    assert not re.search(r"#0102[0-9a-f]{2}", html), "a placeholder was left"
    for name in set(re.findall(r"var\((--\w+)\)", html)):
        # light, dark and print
        assert html.count(f"{name}: #") == 3, name
    assert not any("://" in svg for svg in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))


def test_missing_numbers_are_null_or_empty_or_a_dash_and_never_nan(build, loaded):
    report = build("good", "broken")
    for write in (
        lambda format: render.rendered(report, format, everything=True),
        lambda format: exported([loaded("broken")], format),
    ):
        cells = {cell for row in csv_rows(write("csv")) for cell in row.values()}
        cells |= {cell for row in Page(write("html")).rows[1:] for cell in row}
        cells |= {cell for table in markdown_tables(write("md")) for row in table[2:] for cell in row}
        words = cells | set(write("table").replace("NaN", "").split()) | set(write("junit").split())
        assert not words & {"nan", "inf", "-inf", "None", "null"}
        strict_json(write("json"))
    document = strict_json(exported([loaded("broken")], "json"))
    rows = document["runs"][0]["sequences"]
    assert rows[27]["cosine"] is None
    assert rows[29]["cosine"] == 0.5
    lost = [row for row in Page(render.rendered(build("good", "broken"), "html")).rows if row[0] == "protein27"]
    assert lost[0][4:] == ["-", "all"]


def test_an_export_has_every_measure_and_every_sequence_of_every_run(loaded):
    runs = [loaded("good"), loaded("broken")]
    document = strict_json(exported(runs, "json"))
    assert (document["schema_version"], [len(run["sequences"]) for run in document["runs"]]) == (1, [30, 30])
    assert document["runs"][0]["measures"]["M2"]["all"] == {"min": 0.997, "p01": None}
    for text in (exported(runs, "md"), exported(runs, "table")):
        assert text.count("protein17") == 2
        assert text.count("0.997") == 2
    page = Page(exported(runs, "html"))
    assert sum(row[1:2] == ["protein17"] for row in page.rows) == 2
    shown = [row[1] for row in page.rows if len(row) > 1 and row[1].startswith("protein")]
    assert shown[30:33] == ["protein27", "protein28", "protein29"], "the worst first, and no cosine is the worst"
    cases = junit_cases(exported(runs, "junit"))
    assert [case[3] for case in cases if case[2] == "verdict"] == ["passed", "failure"]
    states = {case[2].split()[0]: case[3] for case in cases if case[0].startswith(f"run {runs[1][0].run.id} ")}
    assert (states["M1"], states["V3"]) == ("failure", "skipped")


def test_a_page_of_many_sequences_says_where_the_others_are(loaded):
    snapshot, results = loaded("good")
    many = [type(results[0])(**{name: getattr(results[0], name) for name in results[0].__dataclass_fields__})] * 1500
    for format in ("table", "md", "html"):
        text = exported([(snapshot, many)], format)
        assert re.search(r"\b1000\b.*\b500\b", text)
        assert text.count("protein0") == 1000
    assert exported([(snapshot, many)], "csv").count("protein0") >= 1500


def test_a_run_without_a_verdict_is_an_error_for_a_ci_server(home):
    from report_runs import Runs

    from vp_tui.core.store.reader import Reader

    runs = Runs(home)
    run_id = runs.add()
    runs.sql("UPDATE run SET status = 'failed', verdict = NULL, status_reason = 'out of memory' WHERE id = ?", run_id)
    with Reader(home) as reader:
        text = exported([(reader.snapshot(run_id), ())], "junit")
    assert [case[2:] for case in junit_cases(text)] == [("verdict", "error", "out of memory")]


def test_a_format_that_does_not_exist_is_told_with_those_that_do(regressed, loaded):
    for call in (lambda: render.rendered(regressed, "pdf"), lambda: exported([loaded("good")], "pdf")):
        with pytest.raises(
            UsageError, match="no such format: 'pdf'; the formats are table, md, csv, json, html, junit"
        ):
            call()


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    render.write(path, "first \u00e9\n")
    assert path.read_bytes() == b"first \xc3\xa9\n"

    def full(self, data):
        self.open("wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match=r"cannot write .*report.md: No space left on device"):
        render.write(path, "second")
    monkeypatch.undo()
    assert path.read_bytes() == b"first \xc3\xa9\n"
    assert [one.name for one in path.parent.iterdir()] == ["report.md"]


def test_only_html_loads_jinja_and_only_charts_load_matplotlib():
    code = (
        "import vp_tui.core.report.render, vp_tui.core.report.runs_export, vp_tui.core.report.comparison, sys\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)\n"
        "import vp_tui.core.report.html\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("format", FORMATS)
def test_no_export_tells_the_home_folder_of_its_user(loaded, regressed, runs, monkeypatch, format):
    home = str(runs.home.root)
    snapshot, results = loaded("broken")
    longer = [f"{home}-of-others/x", f"/mnt{home}/x"]
    run = replace(snapshot.run, input=f"{home}/reads.faa", status_reason=f"no file '{home}'", tags={"path": longer[0]})
    snapshot = replace(snapshot, run=run, config={**snapshot.config, "input": f"{home}/reads.faa"})
    report = replace(regressed, notes=(f"see {home}/runs", *longer))
    monkeypatch.setenv("HOME", home)
    texts = [exported([(snapshot, results)], format), render.rendered(report, format, everything=True)]
    for text in texts:
        assert home not in text.replace(longer[0], "").replace(longer[1], "")
    if format == "json":
        (found,) = strict_json(texts[0])["runs"]
        assert (found["input"], found["status_reason"]) == ("~/reads.faa", "no file '~'")
        assert found["folder"] == f"~/runs/{run.uuid}"
        assert found["tags"]["path"] == longer[0]
        assert strict_json(texts[1])["notes"][-3:] == ["see ~/runs", *longer]
    monkeypatch.setenv("HOME", "/")
    assert home in exported([(snapshot, results)], "json")
