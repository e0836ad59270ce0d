"""JUnit XML for a CI server: one test case per result; failed, open (skipped) or passed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from xml.etree import ElementTree

from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.page import FAILED, OPEN
from vp_tui.core.text import safe

State = Literal["passed", "failure", "error", "skipped"]
_COUNTED: Final[tuple[tuple[str, State], ...]] = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case; `kind` is the type of a failure or error."""

    group: str
    name: str
    state: State
    kind: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    name: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    said: str = ""


def comparison_suite(report: ComparisonReport) -> Suite:
    """Return one case per metric and scope, and one for each part without results, so that a gap is not a success."""
    compared = report.comparison
    cases = [_judged(one.part, f"{one.name} [{one.scope}]", one.outcome, one.reason) for one in report.items]
    for name, part in (("accuracy", compared.accuracy), ("performance", compared.performance)):
        if not part.items:
            cases.append(_judged(name, "comparable", part.outcome, part.sentence))
    if not compared.gates:
        cases.insert(0, Case(group="gates", name="hard gates", state="passed"))
    if not compared.is_comparable:
        cases.append(
            Case(
                group="comparison",
                name="verdict",
                state="error",
                kind="NOT_COMPARABLE",
                words=compared.sentence,
            )
        )
    return Suite(
        name="vp-tui compare",
        cases=tuple(cases),
        properties={
            **{str(name): outcome for name, outcome in compared.verdicts.items()},
            "baseline": ", ".join(run.label for run in report.base),
            "baseline.uuids": " ".join(run.uuid for run in report.base),
            "candidate": ", ".join(run.label for run in report.cand),
            "candidate.uuids": " ".join(run.uuid for run in report.cand),
        },
        said="\n".join((compared.sentence, *compared.notes, *report.notes)),
    )


def _judged(group: str, name: str, outcome: str, words: str) -> Case:
    state: State = "failure" if outcome in FAILED else "skipped" if outcome in OPEN else "passed"
    return Case(group=group, name=name, state=state, kind=outcome, words=words)


def text(name: str, suites: Sequence[Suite]) -> str:
    """Return the document; characters that XML cannot hold are removed."""
    root = ElementTree.Element("testsuites", {"name": name, **_counts([c for suite in suites for c in suite.cases])})
    # the outer element has no `skipped`
    del root.attrib["skipped"]
    for suite in suites:
        _add(root, suite)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _add(root: ElementTree.Element, suite: Suite) -> None:
    about = {"name": safe(suite.name), "time": "0", **_counts(suite.cases)}
    inside = ElementTree.SubElement(root, "testsuite", about)
    if suite.properties:
        properties = ElementTree.SubElement(inside, "properties")
        for name, value in suite.properties.items():
            ElementTree.SubElement(properties, "property", name=safe(name), value=safe(value))
    for case in suite.cases:
        found = ElementTree.SubElement(inside, "testcase", classname=safe(case.group), name=safe(case.name), time="0")
        if case.state == "skipped":
            ElementTree.SubElement(found, "skipped", message=safe(f"{case.kind}: {case.words}"))
        elif case.state != "passed":
            words = safe(case.words)
            ElementTree.SubElement(found, case.state, message=words, type=safe(case.kind)).text = words
    if suite.said:
        ElementTree.SubElement(inside, "system-out").text = "\n".join(safe(line) for line in suite.said.splitlines())


def _counts(cases: Iterable[Case]) -> dict[str, str]:
    states = [case.state for case in cases]
    return {"tests": str(len(states))} | {name: str(states.count(state)) for name, state in _COUNTED}
