"""Names are text: no format lets them be a formula, markup, a cell border, a link or a command to a terminal."""

import re
from xml.etree import ElementTree

import pytest
from independent import Page, csv_rows, junit_cases, markdown_tables, steers, strict_json, unescaped
from report_runs import HOSTILE

from vp_tui.core import text as fmt
from vp_tui.core.report import render
from vp_tui.core.report.page import escaped
from vp_tui.core.report.runs_csv import TABLES
from vp_tui.core.report.runs_export import exported

FORMATS = render.FORMATS
SEEN = '=cmd()|<script>alert(1)</script>| | [x](http://evil.example) [31m@everyone #1 `$a$` &amp;"'
"""What is left of HOSTILE for a reader: the line end a blank, the escape and the override gone."""


@pytest.fixture(params=FORMATS)
def texts(request, hostile, loaded):
    return request.param, (
        render.rendered(hostile, request.param, everything=True),
        exported([loaded("hostile")], request.param),
    )


def test_nothing_steers_a_terminal(texts):
    for text in texts[1]:
        assert not steers(text)


def test_the_names_are_still_there_for_a_reader(texts):
    format, written = texts
    for text in written:
        if format == "json":
            assert HOSTILE in set(_strings(strict_json(text)))
        elif format == "csv" and "sequence_id" in text:
            assert any(f"'{SEEN}" in row.values() for row in csv_rows(text))
        elif format == "csv":
            # a comparison's rows are metrics, whose names are ours
            assert not any("cmd()" in cell for row in csv_rows(text) for cell in row.values())
        elif format == "html":
            assert SEEN in Page(text).words
        elif format == "md":
            shown = [unescaped(cell) for table in markdown_tables(text) for row in table for cell in row]
            assert SEEN in shown
        elif format == "junit":
            junit_cases(text)
            values = [value for one in ElementTree.fromstring(text.encode()).iter() for value in one.attrib.values()]
            assert any("=cmd()|<script>alert(1)</script>|" in value for value in values)
        else:
            assert "=cmd()|<script>" in text


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers(hostile, loaded):
    tables = {table: exported([loaded("hostile")], "csv", table=table) for table in TABLES}
    for text in (render.rendered(hostile, "csv"), *tables.values()):
        rows = csv_rows(text)
        cells = [cell for row in rows for cell in row.values()]
        risky = [
            cell for cell in cells if cell.lstrip()[:1] in {"=", "+", "-", "@", "\t", "\r"} and not _is_number(cell)
        ]
        assert not risky
        assert all("\n" not in cell for cell in cells)
    assert {row["sequence_id"] for row in csv_rows(tables["sequences"])} >= {"'-1+1", "'@sum(a)"}
    changes = [row["change"] for row in csv_rows(render.rendered(hostile, "csv"))]
    assert any(float(value) < 0 for value in changes if value)


def _is_number(text):
    return re.fullmatch(r"-?\d+(\.\d+)?(e[-+]?\d+)?", text) is not None


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\t=1", "' =1"),
        ("\rx", "' x"),
        ("  =1", "'  =1"),
        ("\u202e=1", "'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("1-1", "1-1"),
        ("plain", "plain"),
        (-1.5, -1.5),
        (float("nan"), None),
        (float("-inf"), None),
        (True, "true"),
        (None, None),
        (-3, -3),
    ],
)
def test_a_cell_is_neutral(value, cell):
    assert render.cell(value) == cell


def test_markup_is_text_in_html(hostile, loaded):
    for text in (render.rendered(hostile, "html", everything=True), exported([loaded("hostile")], "html")):
        assert "<script" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        Page(text)


def test_nothing_in_markdown_is_markup_a_link_a_mention_or_a_reference(hostile, loaded):
    for text in (render.rendered(hostile, "md", everything=True), exported([loaded("hostile")], "md")):
        bare = text.replace("<!-- -->", "\0")
        assert not re.search(r"<[a-z/!]", bare)
        assert not re.search(r"(?<!\\)[\[\]`*_~$!]", bare)
        assert "://" not in bare
        assert not re.search(r"[@#]\w", bare)
        for table in markdown_tables(text):
            assert len(table) >= 3


@pytest.mark.parametrize(
    "words", ["a|b", "\\|", "`x`", "**b**", "![i](u)", "https://e.x www.e.x", "@me #12", "&lt; <b>", "$x$"]
)
def test_escaped_markdown_reads_as_what_it_was(words):
    assert unescaped(escaped(words)) == words


@pytest.mark.parametrize(
    "text", ["\x1b]0;title\x07x", "a\u202eb\u2066", "a\u0000b", "\ud800", "\ufffe\uffff", "\x9b31m", "a\u2028b\r\nc"]
)
def test_safe_text_is_one_line_that_xml_and_a_terminal_can_hold(text):
    kept = fmt.safe(text)
    assert not steers(kept)
    assert "\n" not in kept
    assert kept.encode().decode() == kept


def test_no_stored_text_is_drawn(hostile):
    svgs = re.findall(r"<svg.*?</svg>", render.rendered(hostile, "html"), flags=re.DOTALL)
    assert len(svgs) == 4
    assert not any("cmd()" in svg or "evil" in svg for svg in svgs)
