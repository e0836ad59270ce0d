"""Matching by id: every id is matched, or counted and named."""

import pytest

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings.matching import match


def test_rows_are_matched_whatever_the_order():
    found = match(["a", "b", "c"], ["c", "a", "b"])
    assert found.reference_S.tolist() == [0, 1, 2]
    assert found.candidate_S.tolist() == [1, 2, 0]
    assert found.unmatched_share == 0
    assert found.notes == ()


def test_missing_and_surplus_ids_are_counted_and_the_first_are_named():
    found = match([f"r{index}" for index in range(20)], ["r3", "x", "y"])
    assert (found.missing.count, found.missing.first[:2]) == (19, ("r0", "r1"))
    assert (found.surplus.count, found.surplus.first) == (2, ("x", "y"))
    assert found.unmatched_share == pytest.approx(0.95)
    assert [note.split()[0] for note in found.notes] == ["19", "2"]


@pytest.mark.parametrize(
    ("reference", "candidate"), [(["a", "a", "b"], ["a", "b"]), (["a", "b"], ["a", "a", "b"])], ids=["left", "right"]
)
def test_an_id_that_occurs_twice_is_not_guessed(reference, candidate):
    found = match(reference, candidate)
    assert [reference[row] for row in found.reference_S] == ["b"]
    assert (found.duplicates.count, found.duplicates.first) == (1, ("a",))
    assert found.missing.count == found.surplus.count == 0


@pytest.mark.parametrize(
    ("reference", "candidate", "told"),
    [(["b", "read0"], ["b", "read0_1"], "read0_1 for read0"), (["b", "read0.2"], ["b", "read0"], "read0.2 for read0")],
)
def test_ids_with_a_number_added_are_named_as_renamed(reference, candidate, told):
    found = match(reference, candidate)
    assert len(found.reference_S) == 1
    assert found.renamed.first == (told,)


def test_no_common_id_shows_how_both_look():
    with pytest.raises(InputError, match=r"'P1', 'P2', the candidate 'sp\|P1'"):
        match(["P1", "P2"], ["sp|P1"])


def test_whole_headers_for_ids_are_recognized():
    with pytest.raises(InputError, match="first words do match"):
        match(["P1 capsid"], ["P1"])


def test_duplicates_alone_are_no_common_id():
    with pytest.raises(InputError, match="no id is unique"):
        match(["a", "a"], ["a"])
