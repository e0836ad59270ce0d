import json

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from samples import READS
from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.dna_tokens import SPECIAL_TOKENS, BpeTokenizer
from vp_tui.core.workers.demo.dnabert import make_tokenizer

SIZE = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bpe")
    make_tokenizer(made / "tokenizer.json", vocab_size=SIZE)
    return made


@pytest.fixture(scope="module")
def tokenizer(folder):
    return BpeTokenizer(folder, SIZE)


@pytest.fixture
def edited(folder, tmp_path):
    """edited(change) -> folder with the tokenizer.json after `change(its JSON)`."""

    def write(change):
        content = json.loads((folder / "tokenizer.json").read_text())
        change(content)
        (tmp_path / "tokenizer.json").write_text(json.dumps(content))
        return tmp_path

    return write


def rows_of(tokens):
    return [row.tolist() for row in np.split(tokens.ids_N, tokens.starts_S[1:])]


def test_real_reads_get_cls_their_tokens_and_sep_and_their_letters_come_back(tokenizer, folder):
    reads = sequences.read(READS).residues
    vocabulary = {i: token for token, i in Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab().items()}
    tokens = tokenizer.encode(reads)
    assert tokens.ids_N.dtype == np.int32
    assert tokens.lengths_S.sum() == tokens.ids_N.size
    for read, row in zip(reads, rows_of(tokens), strict=True):
        assert (row[0], row[-1]) == (1, 2)
        assert "".join(vocabulary[i] for i in row[1:-1]).encode() == read
    assert (tokens.unknown, tokens.lower_case, tokens.rna, tokens.truncated) == (0, 0, 0, 0)
    assert tokens.tokenizer == tokenizer.sha256


def test_a_batch_gives_what_each_sequence_gives_alone(tokenizer):
    reads = sequences.read(READS).residues[:10]
    assert rows_of(tokenizer.encode(reads)) == [rows_of(tokenizer.encode([read]))[0] for read in reads]


def test_lower_case_and_rna_are_normalized_and_counted(tokenizer):
    plain, other = tokenizer.encode([b"ACGTTGCA" * 4]), tokenizer.encode([b"acguUGCA" * 4])
    assert rows_of(plain) == rows_of(other)
    assert (other.lower_case, other.rna, other.unknown) == (16, 8, 0)


def test_unknown_letters_are_one_unk_each_and_counted_and_nothing_vanishes(tokenizer):
    tokens = tokenizer.encode([b"ACGTNNnRACGT", b"AC-*GT", b"AC GT\xff"])
    assert [row.count(0) for row in rows_of(tokens)] == [4, 2, 2]
    assert tokens.unknown_letters == {"N": 3, "R": 1, "-": 1, "*": 1, "0x20": 1, "0xff": 1}
    assert (tokens.unknown, tokens.lower_case) == (8, 1)


def test_a_special_token_spelled_in_a_sequence_is_only_letters(tokenizer):
    (row,) = rows_of(tokenizer.encode([b"ACGT[SEP]ACGT"]))
    assert row.count(2) == 1
    assert row[-1] == 2


def test_a_long_sequence_is_never_cut_whatever_the_file_asks_for(edited):
    def ask(content):
        content["truncation"] = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
        content["padding"] = {
            "strategy": {"Fixed": 400}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 3, "pad_type_id": 0, "pad_token": "[PAD]",
        }  # fmt: skip

    tokens = BpeTokenizer(edited(ask), SIZE).encode([b"ACGTTGCA" * 500, b"ACGT"])
    assert tokens.lengths_S[0] > 400
    assert 3 not in tokens.ids_N


def test_a_sequence_without_bases_is_refused_by_its_place(tokenizer):
    with pytest.raises(InputError, match="sequence 1"):
        tokenizer.encode([b"ACGT", b""])


def test_no_sequences_give_no_tokens(tokenizer):
    assert tokenizer.encode([]).ids_N.size == 0


def test_a_missing_and_a_broken_tokenizer_are_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=r"no readable tokenizer\.json"):
        BpeTokenizer(tmp_path, SIZE)
    (tmp_path / "tokenizer.json").write_text("<html>")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        BpeTokenizer(tmp_path, SIZE)


def test_another_vocabulary_size_than_the_model_s_is_refused_with_both(folder):
    with pytest.raises(ModelError, match=r"300 tokens.* 4096"):
        BpeTokenizer(folder, 4096)


def test_special_tokens_with_other_ids_are_refused(edited):
    """config.json says pad 0, as bert-base has it; a tokenizer that agrees is not DNABERT-S's."""

    def swap(content):
        vocabulary = content["model"]["vocab"]
        vocabulary["[PAD]"], vocabulary["[UNK]"] = 0, 3
        for token in content["added_tokens"]:
            token["id"] = {"[PAD]": 0, "[UNK]": 3}.get(token["content"], token["id"])

    with pytest.raises(ModelError, match=r"\[UNK\] is 3, .* 0;"):
        BpeTokenizer(edited(swap), SIZE)


def test_a_tokenizer_that_does_not_know_dna_is_refused_by_its_probe(tmp_path):
    """What AutoTokenizer's BertTokenizer makes of DNA: [CLS] [UNK] [SEP] for every sequence, without a word."""
    vocabulary = {token: i for i, token in enumerate((*SPECIAL_TOKENS, "a", "c"))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"60 bases of DNA become \[1, 0, 2\]"):
        BpeTokenizer(tmp_path, 7)


def test_a_tokenizer_without_cls_and_sep_around_is_refused(tmp_path):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    trainer = trainers.BpeTrainer(vocab_size=9, special_tokens=list(SPECIAL_TOKENS), show_progress=False)
    tokenizer.train_from_iterator(["ACGT"], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"expected \[CLS\]"):
        BpeTokenizer(tmp_path, 9)


def test_training_the_demo_s_tokenizer_is_repeatable(folder, tmp_path):
    make_tokenizer(tmp_path / "again.json", vocab_size=SIZE)
    assert (tmp_path / "again.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
