import numpy as np
import pytest

from samples import PROTEINS, READS
from vp_tui.core.inputs import sequences, tokenizing
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.spec import read_spec


@pytest.fixture
def reads():
    return sequences.read(READS)


@pytest.fixture
def spec(made_dnabert):
    return read_spec(made_dnabert)


@pytest.fixture
def encoded(monkeypatch):
    """How many sequences the BPE really encoded, call by call."""
    calls = []
    encode = BpeTokenizer.encode

    def counted(self, bases):
        calls.append(len(bases))
        return encode(self, bases)

    monkeypatch.setattr(BpeTokenizer, "encode", counted)
    return calls


def same(a, b):
    assert np.array_equal(a.ids_N, b.ids_N)
    assert np.array_equal(a.lengths_S, b.lengths_S)
    assert np.array_equal(a.starts_S, b.starts_S)
    for name in ("unknown", "unknown_letters", "lower_case", "rna", "truncated", "tokenizer"):
        assert getattr(a, name) == getattr(b, name)


def test_proteins_go_through_the_byte_table(made_checkpoint):
    proteins = sequences.read(PROTEINS)
    tokens = tokenizing.tokenize(read_spec(made_checkpoint()), made_checkpoint(), proteins, None)
    assert tokens.lengths_S.tolist() == (proteins.lengths_S + 2).tolist()
    assert tokens.tokenizer == "esm2"


def test_ids_above_a_byte_fit(spec, made_dnabert, reads):
    assert tokenizing.tokenize(spec, made_dnabert, reads, None).ids_N.max() > 1000


def test_the_second_time_the_tokens_come_from_the_disk_with_their_counts(spec, made_dnabert, reads, tmp_path, encoded):
    odd = sequences.SequenceSet(ids=(*reads.ids, "odd"), residues=(*reads.residues, b"acguNN"))
    first, second = (tokenizing.tokenize(spec, made_dnabert, odd, tmp_path) for _ in range(2))
    assert encoded == [61]
    same(first, second)
    assert (second.unknown_letters, second.rna, second.lower_case) == ({"N": 2}, 1, 4)
    assert [path.suffix for path in (tmp_path / "tokens").iterdir()] == [".npz"], "nothing half-written is left"


def test_other_letters_another_order_and_another_tokenizer_are_other_tokens(
    spec, made_dnabert, reads, tmp_path, encoded
):
    tokenizing.tokenize(spec, made_dnabert, reads, tmp_path)
    turned = reads.take(range(len(reads) - 1, -1, -1))
    renamed = sequences.SequenceSet(ids=tuple(f"x{i}" for i in range(60)), residues=reads.residues)
    tokenizing.tokenize(spec, made_dnabert, turned, tmp_path)
    assert encoded == [60, 60]
    tokenizing.tokenize(spec, made_dnabert, renamed, tmp_path)
    assert encoded == [60, 60], "headers are not letters"
    other = tmp_path / "other"
    other.mkdir()
    text = (made_dnabert / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text + "\n")
    tokenizing.tokenize(spec, other, reads, tmp_path)
    assert encoded == [60, 60, 60]


def shortened(path):
    path.write_bytes(path.read_bytes()[:-50])


def emptied(path):
    path.write_bytes(b"")


def other_ids(path):
    with np.load(path) as file:
        content = dict(file)
    content["ids"] = content["ids"] + 4096
    with path.open("wb") as file:
        np.savez(file, **content)


def other_lengths(path):
    with np.load(path) as file:
        content = dict(file)
    content["lengths"] = content["lengths"] + 1
    with path.open("wb") as file:
        np.savez(file, **content)


def without_counts(path):
    with np.load(path) as file:
        content = {name: file[name] for name in ("ids", "lengths")}
    with path.open("wb") as file:
        np.savez(file, **content)


@pytest.mark.parametrize("damage", [shortened, emptied, other_ids, other_lengths, without_counts])
def test_a_corrupt_file_is_reported_and_computed_again(spec, made_dnabert, reads, tmp_path, encoded, damage):
    first = tokenizing.tokenize(spec, made_dnabert, reads, tmp_path)
    (path,) = (tmp_path / "tokens").iterdir()
    damage(path)
    second = tokenizing.tokenize(spec, made_dnabert, reads, tmp_path)
    third = tokenizing.tokenize(spec, made_dnabert, reads, tmp_path)
    assert encoded == [60, 60]
    assert str(path) in second.notes[0]
    assert first.notes == third.notes == ()
    same(first, second)
    same(first, third)
