import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import config

from samples import PROTEINS, READS
from vp_tui.core.errors import InputError, ResourceError
from vp_tui.core.inputs import packing, sequences
from vp_tui.core.inputs.spec import Esm2Spec, read_spec
from vp_tui.core.workers.validate import prepare

SPEC = Esm2Spec(
    name="tiny",
    num_layers=2,
    hidden=128,
    num_heads=2,
    ffn=512,
    layer_norm_eps=1e-5,
    vocab_size=33,
    token_dropout=True,
    num_parameters=1000,
)
LETTERS = list(b"ACDEFGHIKLMNPQRSTVWY")
STRATA_AND_LENGTHS = st.lists(st.tuples(st.integers(0, 2), st.integers(3, 400)), min_size=1, max_size=150)


def prepared(asked, spec=SPEC, folder=Path(), cache=None):
    return prepare.prepare(asked, spec, folder, cache=cache, budget_for=lambda longest: (4096, "asked for"))


def protein(length, seed=0):
    return np.random.default_rng(seed).choice(LETTERS, length).astype("u1").tobytes()


@pytest.fixture
def fasta(tmp_path):
    """fasta(lengths) -> path of a gzipped FASTA file with proteins of these lengths."""

    def write(lengths, more=b""):
        path = tmp_path / "input.faa.gz"
        records = [b">p%d\n%s\n" % (i, protein(length, i)) for i, length in enumerate(lengths)]
        path.write_bytes(gzip.compress(b"".join(records) + more))
        return str(path)

    return write


@settings(deadline=None)
@given(drawn=STRATA_AND_LENGTHS, budget=st.integers(400, 20_000))
def test_every_sequence_is_in_exactly_one_block_of_its_own_stratum_and_within_the_budget(drawn, budget):
    stratum_S, lengths_S = (np.array(column) for column in zip(*drawn, strict=True))
    blocks = prepare.cut(lengths_S, stratum_S, budget)
    assert sorted(np.concatenate([block.indices_S for block in blocks]).tolist()) == list(range(len(drawn)))
    assert [block.index for block in blocks] == list(range(len(blocks)))
    for block in blocks:
        assert (stratum_S[block.indices_S] == block.stratum).all()
        packs = packing.by_length(lengths_S[block.indices_S], budget)
        assert all(lengths_S[block.indices_S][pack].sum() <= budget for pack in packs)


def test_the_strata_take_turns_in_proportion():
    stratum_S = np.repeat([0, 1, 2], 1000)
    blocks = prepare.cut(np.repeat([50, 100, 300], 1000), stratum_S, budget=16_384)
    order = [block.stratum for block in blocks]
    assert set(order[:3]) == {0, 1, 2}
    for stratum in range(3):
        places = [place / len(order) for place, found in enumerate(order) if found == stratum]
        assert places[0] < 0.15
        assert places[-1] > 0.8
        assert max(np.diff(places)) < 0.2
        # Enough paired blocks for an interval, not so many that overhead is timed.
        assert prepare.BLOCKS_PER_STRATUM <= len(places) <= 2 * prepare.BLOCKS_PER_STRATUM


@settings(deadline=None, max_examples=30)
@given(
    num_sequences=st.integers(1, 20_000),
    longest=st.integers(30, 1_000),
    budget=st.integers(1_000, 40_000),
    seed=st.integers(0, 9),
)
def test_what_a_block_holds_is_bounded_however_many_sequences_there_are(num_sequences, longest, budget, seed):
    lengths_S = np.random.default_rng(seed).integers(3, longest + 1, num_sequences)
    blocks = prepare.cut(lengths_S, np.zeros(num_sequences, np.int64), budget)
    # Cut again at the run's budget, as the encoder does; packs of a small stratum are smaller than the budget.
    packs = [len(packing.by_length(lengths_S[block.indices_S], budget)) for block in blocks]
    assert max(packs) <= packing.MAX_PACKS
    # Nor are there many: at most twice as many as are aimed at, or as full ones would be.
    assert len(blocks) <= max(2 * prepare.BLOCKS_PER_STRATUM, 2 * sum(packs) / packing.MAX_PACKS)


def test_ten_times_the_sequences_are_more_blocks_and_not_larger_ones():
    found = [prepare.cut(np.full(n, 300), np.zeros(n, np.int64), budget=2_048) for n in (10_000, 100_000)]
    few, many = ([len(block.indices_S) for block in blocks] for blocks in found)
    assert max(many) == max(few)
    assert len(many) == pytest.approx(10 * len(few), rel=0.02)


def test_a_stratum_of_few_tokens_is_one_block():
    blocks = prepare.cut(np.full(10, 50), np.zeros(10, np.int64), budget=16_384)
    assert [len(block.indices_S) for block in blocks] == [10]


def test_a_sequence_over_the_budget_is_refused():
    with pytest.raises(ResourceError, match=r"1024 tokens.*512"):
        prepare.cut(np.array([100, 1024]), np.array([0, 2]), budget=512)


def test_a_file_becomes_sampled_tokenized_blocks_with_facts(fasta):
    path = fasta([30] * 40 + [100] * 40 + [200] * 40)
    data = prepared(config(input=path, sample=60, seed=1))
    assert data.planned == {"short": 20, "medium": 20, "long": 20}
    assert len(data.sequences) == len(data.stratum_S) == len(data.tokens.lengths_S) == 60
    assert data.tokens.lengths_S.tolist() == (data.sequences.lengths_S + 2).tolist()
    assert (data.facts["n_file"], data.facts["n"], data.facts["seed"]) == (120, 60, 1)
    assert data.facts["strata"] == data.planned
    assert data.facts["cuts"] == [64, 128]
    assert data.facts["tokens"] == 20 * (30 + 100 + 200) + 120
    assert data.notes == ()
    assert data.seconds > 0


def test_the_same_seed_prepares_the_same_data_and_another_seed_other_data(fasta):
    path = fasta([30] * 50)
    first, again, other = (prepared(config(input=path, sample=10, seed=seed)).facts["sha256"] for seed in (1, 1, 2))
    assert first == again != other


def test_own_borders_of_the_strata_are_used(fasta):
    data = prepared(config(input=fasta([10, 11, 20, 21]), strata="10,20"))
    assert data.stratum_S.tolist() == [0, 1, 1, 2]


def test_whatever_was_changed_is_noted_and_counted(fasta):
    path = fasta([40, 2000], more=b">p0\nmkvlaa\n>odd\nMKJ*JAAGHW\n")
    data = prepared(config(input=path))
    assert data.notes == (
        "1 record had a duplicate id; all are kept, under new ids (x.2, x.3, ...)",
        "1 sequence cut at 1022 residues",
        "3 characters outside the alphabet read as unknown: * 1, J 2",
        "6 lower-case characters read as upper case",
        "the stratum medium has no sequences",
    )
    assert data.facts["unknown_letters"] == {"*": 1, "J": 2}
    assert (data.facts["truncated"], data.facts["renamed"], data.facts["lower_case"]) == (1, 1, 6)


def test_nucleotides_and_missing_files_are_input_errors(tmp_path):
    reads = tmp_path / "reads.fa"
    reads.write_bytes(b">r\nACGTACGTACGT\n")
    with pytest.raises(InputError, match="DNA or RNA"):
        prepared(config(input=str(reads)))
    with pytest.raises(InputError, match="does not exist"):
        prepared(config(input=str(tmp_path / "missing.faa")))


def test_reads_are_cut_by_bases_for_a_dna_model_and_proteins_are_refused(made_dnabert, tmp_path):
    spec = read_spec(made_dnabert)
    data = prepared(config(input=str(READS)), spec, made_dnabert, tmp_path)
    assert data.planned == {"short": 20, "medium": 20, "long": 20}
    assert (data.facts["alphabet"], data.facts["cuts"]) == ("dna", [199, 399])
    assert data.facts["tokenizer"] == data.tokens.tokenizer != "esm2"
    assert (data.budget, data.budget_reason) == (4096, "asked for")
    assert len(list((tmp_path / "tokens").iterdir())) == 1
    with pytest.raises(InputError, match="model reads DNA"):
        prepared(config(input=str(PROTEINS)), spec, made_dnabert)


def test_rna_and_lower_case_are_noted_for_a_dna_model(made_dnabert, tmp_path):
    path = tmp_path / "rna.fna"
    path.write_text(">a\nACGUACGUacguNN\n")
    data = prepared(config(input=str(path)), read_spec(made_dnabert), made_dnabert)
    assert data.notes[:3] == (
        "2 characters outside the alphabet read as unknown: N 2",
        "4 lower-case characters read as upper case",
        "U (RNA) read as T 3 times",
    )
    assert (data.facts["rna"], data.facts["truncated"]) == (3, 0)


def test_the_budget_is_asked_for_with_the_longest_sequence_in_tokens(fasta):
    asked = []

    def budget_for(longest):
        asked.append(longest)
        return 500, "as much as fits"

    data = prepare.prepare(config(input=fasta([30, 200])), SPEC, Path(), cache=None, budget_for=budget_for)
    assert asked == [202]
    assert (data.budget, data.budget_reason) == (500, "as much as fits")


def written(tmp_path, *records):
    path = tmp_path / "input.faa"
    path.write_bytes(b"".join(b">p%d\n%s\n" % (i, record) for i, record in enumerate(records)))
    return config(input=str(path))


def test_the_share_of_unknown_letters_is_a_fact_and_above_one_percent_a_warning(tmp_path):
    at_limit = prepared(written(tmp_path, protein(198) + b"J", protein(1)))
    assert at_limit.facts["unknown_share"] == 1 / 200
    assert at_limit.warnings == ()
    above = prepared(written(tmp_path, protein(96) + b"J" * 2, protein(2)))
    assert above.facts["unknown_share"] == 0.02
    assert len(above.warnings) == 1
    assert "J 2" in above.warnings[0]


def test_sequences_of_the_other_alphabet_are_a_warning_with_their_number(tmp_path):
    dna = b"ACGTTGCANN" * 4
    mixed = prepared(written(tmp_path, protein(80), dna, protein(70), b"ACGT"))
    (warning,) = mixed.warnings
    assert warning.startswith("1 of 4 ")
    data = mixed.sequences
    assert [sequences.foreign(data, alphabet) for alphabet in ("protein", "dna")] == [1, 2]


def test_letters_beyond_the_cut_are_in_neither_side_of_the_share(tmp_path):
    found = prepared(written(tmp_path, protein(1021) + b"J" + b"J" * 500))
    assert found.facts["unknown_share"] == 1 / 1022


def test_stops_are_counted_kept_and_no_unknown_residues(tmp_path):
    found = prepared(written(tmp_path, protein(30) + b"*", protein(40), protein(20) + b"*" + protein(9)))
    assert (found.facts["stops"], found.facts["unknown_letters"]) == (1, {"*": 2})
    assert found.facts["unknown_share"] == 1 / 101
    assert found.sequences.residues[0].endswith(b"*")
    assert sum("stop codon" in note for note in found.notes) == 1


def test_groups_of_ten_give_the_tokens_and_the_strata_of_the_plain_file(tmp_path):
    residues = [protein(length, length) for length in (60, 64, 120, 128, 200, 1022)]
    plain = prepared(written(tmp_path, *residues))
    spaced = prepared(
        written(tmp_path, *(b" ".join(one[i : i + 10] for i in range(0, len(one), 10)) for one in residues))
    )
    assert spaced.tokens.ids_N.tolist() == plain.tokens.ids_N.tolist()
    assert (spaced.facts["strata"], spaced.facts["sha256"]) == (plain.facts["strata"], plain.facts["sha256"])
    blanks = sum((len(one) - 1) // 10 for one in residues)
    assert spaced.facts["cleaned"]["blanks"] == blanks
    assert any(str(blanks) in note for note in spaced.notes)
