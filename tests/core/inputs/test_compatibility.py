import json

import pytest

from samples import PROTEINS, READS
from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs import compatibility, sequences
from vp_tui.core.inputs.spec import default_cuts, read_spec


@pytest.fixture
def reads():
    return sequences.read(READS)


@pytest.fixture
def spec(made_dnabert):
    return read_spec(made_dnabert)


@pytest.fixture
def any_folder(tmp_path):
    """The config of a BERT, without a tokenizer."""
    config = {"model_type": "bert", "hidden_size": 8, "vocab_size": 30}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_each_model_refuses_the_other_alphabet(spec, made_checkpoint, reads):
    proteins = sequences.read(PROTEINS)
    with pytest.raises(InputError, match=r"model reads proteins"):
        compatibility.require(read_spec(made_checkpoint()), reads)
    with pytest.raises(InputError, match=r"model reads DNA"):
        compatibility.require(spec, proteins)
    compatibility.require(spec, reads)
    compatibility.require(read_spec(made_checkpoint()), proteins)


def test_a_checkpoint_without_its_tokenizer_is_refused_before_anything_runs(spec, made_dnabert, tmp_path):
    compatibility.check(spec, made_dnabert)
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        compatibility.check(spec, tmp_path)


def test_a_model_that_does_not_say_takes_both_and_the_cuts_are_those_of_the_data(any_folder, reads):
    spec = read_spec(any_folder)
    assert spec.alphabet == "any"
    found = [compatibility.require(spec, data) for data in (reads, sequences.read(PROTEINS))]
    assert found == ["dna", "protein"]
    assert [default_cuts(one) for one in found] == [(199, 399), (64, 128)]


def test_a_transformers_folder_without_any_tokenizer_file_is_refused(any_folder):
    spec = read_spec(any_folder)
    with pytest.raises(ModelError, match=r"has no tokenizer \(tokenizer\.json"):
        compatibility.check(spec, any_folder)
    (any_folder / "vocab.txt").write_text("[PAD]\n")
    compatibility.check(spec, any_folder)
