"""Windows of an input: borders, bounds, and the hash that tells a changed one."""

import hashlib

import pytest

from samples import PROTEINS
from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.shards.windows import Windows


@pytest.fixture
def windows(tmp_path):
    """windows(text, **bounds) -> the windows of a FASTA text."""

    def of(text, **bounds):
        path = tmp_path / "input.fasta"
        path.write_text(text)
        return list(Windows(path, **bounds))

    return of


@pytest.mark.parametrize("per_file", [1, 7, 40, 1000])
def test_the_windows_hold_every_sequence_once_in_input_order(per_file):
    whole = sequences.read(PROTEINS)
    found = Windows(PROTEINS, per_file)
    parts = list(found)
    assert [part.index for part in parts] == list(range(-(-40 // per_file)))
    assert [name for part in parts for name in part.ids] == list(whole.ids)
    assert [letters for part in parts for letters in part.residues] == list(whole.residues)
    assert (found.windows, found.sequences) == (len(parts), 40)


def test_a_window_ends_where_its_letters_reach_the_bound(windows):
    parts = windows(">a\nACDEF\n>b\nACDEF\n>c\nAC\n>d\nACDEFGHIKLMN\n>e\nA\n", letters=10)
    assert [part.ids for part in parts] == [("a", "b"), ("c", "d"), ("e",)]


def test_an_id_that_occurs_twice_in_a_window_gets_a_new_name_and_between_windows_it_does_not(windows):
    first, second = windows(">x\nACD\n>x\nACE\n>x\nACF\n", per_file=2)
    assert (first.sequences.ids, first.sequences.renamed) == (("x", "x.2"), 1)
    assert (second.sequences.ids, second.sequences.renamed) == (("x",), 0)


def test_the_hash_depends_on_everything_up_to_the_end_of_its_window_and_on_nothing_after(windows):
    text = ">a\nACDEF\n>b\nACDEF\n>c\nACDEF\n"
    before = [part.input_sha256 for part in windows(text, per_file=1)]
    for changed in (text.replace(">b\nACDEF", ">b\nACDEG"), text.replace(">b", ">bb"), text.replace(">b\nA", ">bA\n")):
        after = [part.input_sha256 for part in windows(changed, per_file=1)]
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]


def test_the_hash_is_a_plain_sha256_of_lengths_ids_and_letters(windows):
    (part,) = windows(">ab\nACD\n")
    assert part.input_sha256 == hashlib.sha256(b"2 3\0abACD").hexdigest()


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "input.fasta"
    path.write_text(">a\nACDEF\n>b\nACDEF\n")
    found = iter(Windows(path, 1))
    next(found)
    with path.open("a") as file:
        file.write(">c\nACDEF\n")
    with pytest.raises(InputError, match="changed while it was read"):
        list(found)


def test_a_file_without_sequences_is_refused(windows):
    with pytest.raises(InputError, match="contains no sequences"):
        windows(">a\n>b\n")


def test_only_one_window_is_held_while_the_input_goes_on(tmp_path):
    """A pipe would show the same: the second record is not read before the first window was taken."""
    path = tmp_path / "input.fasta"
    path.write_text("".join(f">{number}\n{'A' * 500}\n" for number in range(3000)))
    found = Windows(path, 10)
    next(iter(found))
    assert found.sequences == 10
