"""Readers of the exports that share no code with what wrote them."""

import csv
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "link", "br", "img", "hr", "input"}
LINKS = {"href", "src", "srcset", "action", "data", "poster", "xlink:href", "formaction", "background"}


def strict_json(text):
    def refuse(constant):
        raise AssertionError(f"{constant} in the JSON")

    return json.loads(text, parse_constant=refuse)


def csv_rows(text):
    """The rows as mappings; every row must be as long as the head."""
    head, *rows = csv.reader(io.StringIO(text), strict=True)
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


def junit_cases(text):
    """[(suite, class, name, state, words)] of a document that keeps to the layout of JUnit's XML."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    assert set(root.attrib) == {"name", "tests", "failures", "errors"}
    found = [case for suite in root for case in _suite_cases(suite)]
    states = [case[3] for case in found]
    assert int(root.get("tests")) == len(found)
    assert int(root.get("failures")) == states.count("failure")
    assert int(root.get("errors")) == states.count("error")
    return found


def _suite_cases(suite):
    assert suite.tag == "testsuite"
    assert set(suite.attrib) == {"name", "time", "tests", "failures", "errors", "skipped"}
    tags = [child.tag for child in suite]
    order = ["properties", "testcase", "system-out"]
    assert tags == sorted(tags, key=order.index), "the schema has an order"
    for entry in suite.iterfind("properties/property"):
        assert set(entry.attrib) == {"name", "value"}
    cases = [_case(suite, case) for case in suite.iterfind("testcase")]
    assert len({case[1:3] for case in cases}) == len(cases), "two cases with one name"
    states = [case[3] for case in cases]
    for name, state in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name)) == states.count(state)
    assert int(suite.get("tests")) == len(cases)
    return cases


def _case(suite, case):
    assert set(case.attrib) == {"classname", "name", "time"}
    children = list(case)
    assert len(children) <= 1
    if not children:
        return suite.get("name"), case.get("classname"), case.get("name"), "passed", ""
    outcome = children[0]
    assert outcome.tag in {"failure", "error", "skipped"}
    assert set(outcome.attrib) == ({"message"} if outcome.tag == "skipped" else {"message", "type"})
    return suite.get("name"), case.get("classname"), case.get("name"), outcome.tag, outcome.get("message")


class Page(HTMLParser):
    """Balanced tags, no script, nothing to load; `text` is what a reader sees, `tables` the cells."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text, self.ids, self.rows = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "tags left open"
        assert len(set(self.ids)) == len(self.ids), "an id is there twice"

    def handle_starttag(self, tag, attrs):
        self._look(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self._look(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            assert "url(" not in data
            assert "@import" not in data
            return
        self.text.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data

    def _look(self, tag, attrs):
        self.tags.append(tag)
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form", "a", "img", "foreignobject"}
        for name, value in attrs:
            assert not name.startswith("on"), f"{name} is a script"
            if name in LINKS:
                assert value.startswith("#"), f"{name}={value} is a reference to the outside"
            assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)", value or ""))
            if name == "id":
                self.ids.append(value)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def markdown_tables(text):
    """[[cells]] of each table of GitHub's Markdown, still escaped; every row must be as long as its head."""
    tables, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            assert line.endswith(" |")
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            assert {len(row) for row in rows} == {len(rows[0])}
            assert all(re.fullmatch(r":--|--:", cell) for cell in rows[1])
            tables.append(rows)
            rows = []
    return tables


def unescaped(cell):
    """What GitHub shows of an escaped cell."""
    words = cell.replace("<!-- -->", "")
    words = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def steers(text):
    """The characters of a text that steer a terminal or turn its direction."""
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"}} - {"\n"}
