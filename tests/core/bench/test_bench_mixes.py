"""The sequences of a bench: lengths as promised, letters as in nature, amounts as asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import PROTEINS
from vp_tui.core.bench import mixes
from vp_tui.core.bench.random_weights import shape_of
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.dna_tokens import CLS, SEP
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.synthetic import UNIPROT_PERCENT
from vp_tui.core.inputs.tokens import BOS, EOS, VOCABULARY, tokenize

ESM2, DNABERT = shape_of("esm2-8m"), shape_of("dnabert-s")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(mixes.MIXES), st.sampled_from([ESM2, DNABERT]), st.integers(16, 20_000))
def test_a_mix_gives_at_most_the_tokens_asked_for_and_nearly_all_of_them(mix, spec, num_tokens):
    found = mixes.drawer(mix, spec, None)(num_tokens)
    total = int(found.lengths_S.sum())
    assert total == found.ids_N.size
    assert total <= num_tokens or len(found.lengths_S) == 1
    # the next sequence, of 1,024 tokens at most, did not fit
    assert total > num_tokens - 1024
    assert (found.ids_N >= 0).all()
    assert (found.ids_N < spec.vocab_size).all()
    assert found.starts_S.tolist() == (np.cumsum(found.lengths_S) - found.lengths_S).tolist()


def test_sequences_that_fill_the_amount_exactly_all_come():
    draw = mixes.drawer("virnucpro", ESM2, None)
    assert draw(52 + 168 + 52).lengths_S.tolist() == [52, 168, 52]
    assert draw(52 + 168 + 51).lengths_S.tolist() == [52, 168]


def test_virnucpro_has_half_of_50_and_half_of_166_residues():
    lengths = mixes.drawer("virnucpro", ESM2, None)(20_000).lengths_S - 2
    assert set(lengths.tolist()) == {50, 166}
    assert abs((lengths == 50).mean() - 0.5) < 0.01


def test_uniref_has_a_mean_of_about_300_and_stays_within_the_model():
    lengths = mixes.drawer("uniref", ESM2, None)(600_000).lengths_S - 2
    assert lengths.min() >= 30
    assert lengths.max() <= 1022
    # 2,000 draws of a standard deviation of 200, cut at both ends
    assert lengths.mean() == pytest.approx(300, abs=15)
    assert len(set(lengths.tolist())) > 500


def test_letters_come_with_natural_frequencies_and_never_all_alike():
    found = mixes.drawer("uniref", ESM2, None)(100_000)
    letters = [VOCABULARY[token] for token in found.ids_N if token not in {BOS, EOS}]
    for letter, percent in UNIPROT_PERCENT.items():
        # 100,000 draws: the error of a share of 10 % is 0.1 %
        assert 100 * letters.count(letter) / len(letters) == pytest.approx(percent, abs=0.5), letter


def test_the_same_call_gives_the_same_tokens():
    draw = mixes.drawer("uniref", ESM2, None)
    assert np.array_equal(draw(5000).ids_N, draw(5000).ids_N)


def test_random_dna_tokens_begin_and_end_as_the_models_tokenizer_does():
    found = mixes.drawer("virnucpro", DNABERT, None)(3000)
    ends_S = found.starts_S + found.lengths_S - 1
    assert set(found.ids_N[found.starts_S].tolist()) == {CLS}
    assert set(found.ids_N[ends_S].tolist()) == {SEP}
    # 500 bases at about five a token, a tenth more or less
    assert 90 <= found.lengths_S.min() - 2 <= found.lengths_S.max() - 2 <= 110


def test_dna_of_a_checkpoint_goes_through_its_tokenizer(made_dnabert):
    spec = read_spec(made_dnabert)
    found = mixes.drawer("virnucpro", spec, made_dnabert)(1000)
    assert len(found.lengths_S) >= 2
    assert found.ids_N[0] == CLS


def test_a_file_gives_its_own_sequences_again_and_again_until_there_are_enough():
    data = sequences.read(PROTEINS)
    own = tokenize(data.residues, max_residues=1022)
    wanted = {tuple(row) for row in np.split(own.ids_N, own.starts_S[1:])}
    found = mixes.from_file(str(PROTEINS), ESM2, None)(3 * own.ids_N.size)
    rows = [tuple(row) for row in np.split(found.ids_N, found.starts_S[1:])]
    assert set(rows) == wanted
    assert len(rows) > 2.5 * len(wanted)


def test_a_file_of_the_wrong_letters_or_without_a_tokenizer_is_refused(tmp_path):
    dna = tmp_path / "dna.fasta"
    dna.write_text(">a\n" + "ACGT" * 50 + "\n")
    with pytest.raises(InputError):
        mixes.from_file(str(dna), ESM2, None)
    with pytest.raises(UsageError, match="no tokenizer"):
        mixes.from_file(str(dna), DNABERT, None)
