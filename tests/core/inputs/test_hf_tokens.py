"""Tokenizers of transformers: probed, checked against the model, never silently wrong."""

import json
import shutil

import numpy as np
import pytest

import hf_checkpoints
from samples import PROTEINS, READS
from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs import batch_tokenizer, sequences, tokenizing
from vp_tui.core.inputs.hf_tokens import HfTokenizer
from vp_tui.core.inputs.spec import read_spec


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folders = {}
    for kind, make in hf_checkpoints.MAKERS.items():
        folders[kind] = tmp_path_factory.mktemp("tokens") / kind
        make(folders[kind])
    return folders


@pytest.fixture
def changed(made, tmp_path):
    """changed(kind, **config): a copy to be damaged."""

    def copy(kind, **config):
        folder = tmp_path / "changed"
        shutil.copytree(made[kind], folder)
        values = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**values, **config}))
        return folder

    return copy


def opened(folder, alphabet="protein"):
    return HfTokenizer(folder, read_spec(folder), alphabet, trust_remote_code=False)


@pytest.mark.parametrize(
    ("kind", "alphabet", "tokenization"),
    [
        ("ProtBERT", "protein", "words"),
        ("ProtT5", "protein", "words"),
        ("ESM-1b", "protein", "letters"),
        ("ModernBERT", "dna", "subwords"),
    ],
)
def test_the_tokenization_is_found_by_trying_and_recorded(kind, alphabet, tokenization, made):
    tokenizer = opened(made[kind], alphabet)
    assert tokenizer.tokenization == tokenization
    assert len(tokenizer.notes) == 1


@pytest.mark.parametrize("kind", ["ProtBERT", "ProtT5", "ESM-1b"])
def test_dna_for_what_looks_like_a_protein_model_is_taken_and_questioned(kind, made):
    assert any("is this a protein model?" in note for note in opened(made[kind], "dna").notes)


@pytest.mark.parametrize(("kind", "specials"), [("ProtBERT", 2), ("ESM-1b", 2), ("ProtT5", 1)])
def test_every_residue_is_one_known_token_beside_the_special_ones(kind, specials, made):
    tokens = opened(made[kind]).encode([b"MKTAYIAK", b"W"])
    assert tokens.lengths_S.tolist() == [8 + specials, 1 + specials]
    assert tokens.starts_S.tolist() == [0, 8 + specials]
    assert (tokens.unknown, tokens.truncated) == (0, 0)


def test_lower_case_is_read_as_upper_case_and_strange_letters_are_counted(made):
    tokenizer = opened(made["ProtBERT"])
    plain, odd = tokenizer.encode([b"MKTA"]), tokenizer.encode([b"mkTA"])
    assert np.array_equal(plain.ids_N, odd.ids_N)
    assert odd.lower_case == 2
    strange = tokenizer.encode([b"MKJ*", b"JA"])
    assert strange.unknown_letters == {"*": 1, "J": 2}
    assert strange.lengths_S.tolist() == [6, 4], "every unknown letter keeps its place"


def test_special_tokens_cannot_be_smuggled_in_as_letters(made):
    ids = opened(made["ProtBERT"]).encode([b"A[SEP]A"]).ids_N.tolist()
    assert ids.count(hf_checkpoints.SPECIALS.index("[SEP]")) == 1


def test_longer_sequences_are_cut_to_the_positions_and_counted(made):
    tokenizer = opened(made["ESM-1b"])
    assert tokenizer.max_tokens == 200
    tokens = tokenizer.encode([b"M" * 198, b"M" * 199])
    assert tokens.lengths_S.tolist() == [200, 200]
    assert tokens.truncated == 1
    assert tokens.ids_N[[199, 399]].tolist() == [2, 2], "the last token is still the end"


@pytest.mark.parametrize("vocab_size", [25, 200])
def test_a_vocabulary_of_another_size_is_an_error_with_both_numbers(vocab_size, changed):
    with pytest.raises(ModelError, match=rf"30 tokens.* {vocab_size};"):
        opened(changed("ProtBERT", vocab_size=vocab_size))


def test_a_vocabulary_rounded_up_for_speed_is_none(made):
    assert read_spec(made["ModernBERT"]).vocab_size == 384
    assert opened(made["ModernBERT"], "dna").encode([b"ACGT" * 20]).unknown == 0


def test_a_missing_tokenizer_is_an_error(changed):
    folder = changed("ProtBERT")
    (folder / "vocab.txt").unlink()
    with pytest.raises(ModelError, match="has no tokenizer"):
        opened(folder)


@pytest.mark.parametrize("content", ["", "{", '{"model": {"type": "nobody"}}'])
def test_a_broken_tokenizer_is_an_error(content, changed):
    folder = changed("ModernBERT")
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"tokenizer in .* cannot be opened"):
        opened(folder, "dna")


def test_a_tokenizer_that_does_not_know_the_letters_is_refused(made):
    with pytest.raises(ModelError, match="'ACDEF"):
        opened(made["ModernBERT"], "protein")


def test_the_wordpiece_that_makes_one_unknown_token_of_dna_is_refused(changed):
    """AutoTokenizer builds it for a "bert" folder whose tokenizer_config.json does not say otherwise."""
    folder = changed("ProtBERT", vocab_size=300)
    (folder / "vocab.txt").write_text("\n".join([*hf_checkpoints.SPECIALS, *(f"word{i}" for i in range(295))]))
    with pytest.raises(ModelError, match="ATGGC"):
        opened(folder, "dna")


def test_an_empty_sequence_is_refused(made):
    with pytest.raises(InputError, match="sequence 1 "):
        opened(made["ProtBERT"]).encode([b"M", b""])


def test_ids_are_kept_on_disk_with_the_cut_ones_counted(made, tmp_path, monkeypatch):
    folder, data = made["ESM-1b"], sequences.read(PROTEINS)
    calls = []
    encode = HfTokenizer.encode
    monkeypatch.setattr(HfTokenizer, "encode", lambda self, rows: calls.append(1) or encode(self, rows))
    first, second = (tokenizing.tokenize(read_spec(folder), folder, data, tmp_path) for _ in range(2))
    assert calls == [1]
    assert np.array_equal(first.ids_N, second.ids_N)
    assert first.truncated == second.truncated > 0
    assert first.notes == second.notes


def test_another_vocabulary_makes_another_hash(made, changed):
    before = opened(made["ProtBERT"]).sha256
    folder = changed("ProtBERT")
    words = (folder / "vocab.txt").read_text().split("\n")
    (folder / "vocab.txt").write_text("\n".join([*words[:5], *reversed(words[5:])]))
    assert opened(folder).sha256 != before == opened(made["ProtBERT"]).sha256


def test_batches_keep_the_order(made, monkeypatch):
    tokenizer = opened(made["ModernBERT"], "dna")
    reads = sequences.read(READS).residues
    whole = tokenizer.encode(reads)
    monkeypatch.setattr(batch_tokenizer, "BATCH", 7)
    assert np.array_equal(whole.ids_N, tokenizer.encode(reads).ids_N)
