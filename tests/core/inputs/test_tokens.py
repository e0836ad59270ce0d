import pytest

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.tokens import tokenize


def test_every_letter_has_the_id_of_the_published_vocabulary():
    ids_N = tokenize([b"LAGVSERTIDPKQNFYMHWCXBUZO.-"], max_residues=1022).ids_N
    assert ids_N.tolist() == [0, *range(4, 31), 2]


def test_each_sequence_gets_its_own_bos_and_eos():
    tokens = tokenize([b"MK", b"L", b"AAA"], max_residues=1022)
    assert tokens.ids_N.tolist() == [0, 20, 15, 2, 0, 4, 2, 0, 5, 5, 5, 2]
    assert tokens.lengths_S.tolist() == [4, 3, 5]
    assert tokens.starts_S.tolist() == [0, 4, 7]


def test_a_run_of_unknown_letters_is_one_token_each_and_counted():
    tokens = tokenize([b"MKTX*Jb", b"J\x00\xff"], max_residues=1022)
    assert tokens.ids_N.tolist() == [0, 20, 15, 11, 24, 3, 3, 25, 2, 0, 3, 3, 3, 2]
    assert tokens.unknown == 5
    assert tokens.unknown_letters == {"*": 1, "J": 2, "0x00": 1, "0xff": 1}


def test_lower_case_is_read_as_upper_case_and_counted():
    lower, upper = tokenize([b"mktj"], max_residues=1022), tokenize([b"MKTJ"], max_residues=1022)
    assert lower.ids_N.tolist() == upper.ids_N.tolist()
    assert (lower.lower_case, upper.lower_case) == (4, 0)
    assert lower.unknown_letters == {"J": 1}


def test_longer_sequences_are_cut_and_counted():
    tokens = tokenize([b"A" * 1023, b"A" * 1022], max_residues=1022)
    assert tokens.lengths_S.tolist() == [1024, 1024]
    assert tokens.truncated == 1


def test_a_sequence_without_residues_is_refused_by_its_place():
    with pytest.raises(InputError, match="sequence 1"):
        tokenize([b"MK", b""], max_residues=1022)


def test_no_sequences_give_no_tokens():
    assert tokenize([], max_residues=1022).ids_N.size == 0
