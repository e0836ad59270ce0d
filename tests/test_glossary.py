"""One standard word per thing in everything a user can read; the words on the left are not used.

Where a word is an identifier (a key of a document, an option, the name of a file) it is no word: identifiers in prose
stand in backticks, and strings without a blank are not looked at.
"""

import re

import pytest
from user_text import counted_nouns, help_pages, paragraphs_of_docs, sentences_of_code

STANDARD = {
    r"standings": "gate results",
    r"judge?ments?|judgeable": "result",
    r"rooms?": "package (code), space, memory",
    r"products": "matmuls",
    r"errs?": "the error is",
    r"born": "first appears in",
    r"strangers?": "unknown, unexpected",
    r"besides?": "next to, in addition to, compared with",
    r"held against": "compared with",
    r"gravest": "most severe",
    r"contestants?|entrants?|rivals?": "implementation, case",
    r"waterfall": "ablation",
    r"ceilings?": "peak, roofline",
    r"twins?": "rounding emulation",
    r"packs?": "packed batch",
    r"in turns|takes? turns": "alternating",
    r"letters(?!, digits)|spelling": "residues, bases, characters; tokenization",
    r"tells?|told": "report, name, distinguish",
    r"anew": "again, recompute",
    r"given up": "retired, removed",
    r"damaged?": "corrupt, corruption, injected error",
    r"spoil(s|ed|t)?": "disturbed",
    r"alike|apart": "similar, the same; separate",
    r"arms?": "reference, candidate, precision",
    r"go(es)? on": "continue",
    r"last word|the picture|lies? beside": "exited unexpectedly; display; next to",
}
ALLOWED = (
    # a fact of the performance key: runs of earlier versions have it
    "both arms resident, ABBA",
)
RECORDS = ("decisions.md", "performance.md")
"""Dated records of reasons and measurements, for developers; what is written in them is not rewritten."""
# what `make faults` printed
OUTPUT = re.compile(r"^.{46}\s+\d+\s+\d+\s")


def unusual(found):
    """The places and sentences with a word that has a standard one."""
    pattern = re.compile("|".join(rf"\b(?:{words})\b" for words in STANDARD), re.IGNORECASE)
    return [
        f"{place}: {word[0]!r} in {words.strip()!r}; {_standard(word[0])}"
        for place, words in found
        if words not in ALLOWED and not OUTPUT.match(words) and (word := pattern.search(words))
    ]


def _standard(word):
    return next(
        f"write {term}" for words, term in STANDARD.items() if re.fullmatch(rf"(?:{words})", word, re.IGNORECASE)
    )


def test_sentences_in_the_code_use_the_standard_words():
    found = list(sentences_of_code())
    assert len(found) > 2000, "the sentences were not found"
    assert not (bad := unusual(found)), "\n".join(bad)


def test_help_of_every_command_uses_the_standard_words():
    found = list(help_pages())
    assert {place for place, _ in found} >= {"vp-tui --help", "vp-tui run --help", "vp-tui db restore --help"}
    assert not (bad := unusual(found)), "\n".join(bad)


def test_documents_use_the_standard_words():
    found = [one for one in paragraphs_of_docs() if not one[0].startswith(RECORDS)]
    assert {place.partition(":")[0] for place, _ in found} >= {"README.md", "measures.md", "comparisons.md"}
    assert not (bad := unusual(found)), "\n".join(bad)


@pytest.mark.parametrize(
    ("words", "standard"),
    [
        ("the arms differ", "reference"),
        ("It is made anew.", "again"),
        ("three packs", "packed batch"),
        ("Told so far", "report"),
        ("use letters, digits, dots", None),
        ("alarms, packing, a retold dashboard", None),
    ],
)
def test_a_word_is_found_whole_and_its_standard_is_named(words, standard):
    found = unusual([("here:1", words)])
    assert bool(found) == (standard is not None)
    assert all(standard in line for line in found)


COUNTED = (
    "runs",
    "alerts",
    "findings",
    "tags",
    "lines",
    "modules",
    "tensors",
    "fields",
    "notes",
    "contigs",
    "frames",
    "problems",
)
"""Nouns of which there is often one: core.text.plural counts them."""
MANY = {
    # more than two, or a verb
    "core/bench/model.py", "core/engine/faults/inject.py", "core/inputs/units.py", "core/report/comparison.py",
    "core/store/upkeep.py", "core/workers/virnucpro/frames.py", "tui/commands/starting.py",
    "tui/commands/virnucpro.py", "tui/deltas.py", "tui/screens/leave.py", "tui/screens/logs.py",
    "tui/screens/runs.py",
}  # fmt: skip


def test_counts_of_one_are_grammatical():
    bad = [f"{place}: {words}" for place, words in counted_nouns(COUNTED) if place.partition(":")[0] not in MANY]
    assert not bad, "\n".join(bad)
