"""What `make check` says of advisories: a known vulnerability fails, an index that does not answer passes."""

import json
import sys

import pytest
from audit import audit

FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": "x"}


def printing(text):
    return [sys.executable, "-c", f"print({text!r})"]


def answer(*packages):
    return printing(json.dumps({"dependencies": packages, "fixes": []}))


def test_a_vulnerability_fails_and_names_package_advisory_and_mended_version():
    is_good, sentence = audit(
        answer({"name": "a", "version": "2.0", "vulns": [FLAW]}, {"name": "b", "skip_reason": ""})
    )
    assert is_good is False
    assert all(word in sentence for word in ("a 2.0", "PYSEC-2026-1", "2.1", "1 of 2"))


def test_packages_without_a_vulnerability_pass_and_are_counted():
    is_good, sentence = audit(answer({"name": "a", "version": "2.0", "vulns": []}))
    assert (is_good, "0 for 1 of 1" in sentence) == (True, True)


@pytest.mark.parametrize(
    "command",
    [
        printing(""),
        printing("[]"),
        [sys.executable, "-c", "raise SystemExit(1)"],
        answer({"name": "a", "skip_reason": "not found"}),
        answer(),
    ],
    ids=["nothing", "another document", "failure", "unknown to the index", "no package"],
)
def test_without_an_answer_one_sentence_says_that_nothing_was_checked(command):
    is_good, sentence = audit(command)
    assert is_good is None
    assert "not checked" in sentence
    assert "\n" not in sentence


def test_an_index_that_never_answers_is_given_up():
    is_good, sentence = audit([sys.executable, "-c", "input()"], seconds=0)
    assert (is_good, "not checked" in sentence) == (None, True)
