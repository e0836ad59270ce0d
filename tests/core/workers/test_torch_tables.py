"""The .pt layouts of VirNucPro and fair-esm, written by torch.save, and what is refused in them."""

import argparse

import numpy as np
import pytest
import torch

from vp_tui.core.errors import InputError
from vp_tui.core.workers.judged.torch_tables import holds_embeddings, open_pt

X_SD = torch.arange(6, dtype=torch.float32).reshape(2, 3)
IDS = ["a", "b"]
LAYOUTS = {
    "proteins": {"proteins": IDS, "data": [*X_SD]},
    "nucleotide": {
        "nucleotide": IDS,
        "data": [{"label": name, "mean_representation": row.tolist()} for name, row in zip(IDS, X_SD, strict=True)],
    },
    "checkpoint": {"embeddings": X_SD, "sequence_ids": IDS, "metadata": {"version": 1}},
    "merged": {"ids": IDS, "data": X_SD, "labels": torch.zeros(2)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_ids_and_numbers(layout, tmp_path):
    torch.save(LAYOUTS[layout], tmp_path / "x.pt")
    found = open_pt(tmp_path / "x.pt")
    assert (found.ids, found.shape) == (("a", "b"), (2, 3))
    assert np.array_equal(np.concatenate([*found.pieces()]), X_SD.numpy())
    assert holds_embeddings(tmp_path / "x.pt")


def test_a_file_of_fair_esms_extract_is_one_sequence(tmp_path):
    torch.save({"label": "a", "mean_representations": {33: X_SD[1]}}, tmp_path / "a.pt")
    found = open_pt(tmp_path / "a.pt")
    assert (found.ids, found.shape) == (("a",), (1, 3))


@pytest.mark.parametrize("kept", ["list", "tensor"])
def test_16_bit_embeddings_are_widened_and_told(kept, tmp_path):
    half_SD = X_SD.half()
    torch.save({"ids": IDS, "data": half_SD if kept == "tensor" else [*half_SD]}, tmp_path / "x.pt")
    found = open_pt(tmp_path / "x.pt")
    assert found.stored == "float16"
    assert next(found.pieces()).dtype == np.float32


def test_a_pickle_of_another_class_is_named_and_not_loaded(tmp_path):
    torch.save({"proteins": IDS, "data": [*X_SD], "args": argparse.Namespace()}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"argparse\.Namespace"):
        open_pt(tmp_path / "x.pt")


def test_more_ids_than_embeddings_are_refused_as_the_shift_they_are(tmp_path):
    torch.save({"ids": [*IDS, "c"], "data": X_SD}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="3 ids for 2"):
        open_pt(tmp_path / "x.pt")


def test_records_whose_own_labels_are_others_are_refused(tmp_path):
    found = LAYOUTS["nucleotide"] | {"nucleotide": ["b", "a"]}
    torch.save(found, tmp_path / "x.pt")
    with pytest.raises(InputError, match="shifted"):
        open_pt(tmp_path / "x.pt")


def test_two_widths_in_a_list_are_refused(tmp_path):
    torch.save({"proteins": IDS, "data": [X_SD[0], X_SD[1, :2]]}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="embedding 2 has 2 numbers, the first has 3"):
        [*open_pt(tmp_path / "x.pt").pieces()]


def test_weights_are_no_embeddings(tmp_path):
    torch.save({"model": {"w": X_SD}}, tmp_path / "x.pt")
    assert not holds_embeddings(tmp_path / "x.pt")
    with pytest.raises(InputError, match="'model'"):
        open_pt(tmp_path / "x.pt")
