"""R7: the rotary tables that the blocks are given, against those of the checkpoint."""

import pytest
import torch

from vp_tui.core.engine.probe.tables import stored_frequencies, watching_tables
from vp_tui.core.models.ops import Rotary


def look(found, encoder):
    frequencies_k = stored_frequencies(found.source, found.spec)
    with watching_tables(encoder.loaded.model, frequencies_k) as tables:
        found.rows(encoder)
    return tables


@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16"])
def test_a_sound_model_uses_the_checkpoint_s_tables(case, name):
    found = case("esm2")
    tables = look(found, found.encoder(name))
    assert (tables.seen, tables.others, tables.mismatch) == ({"0", "1"}, set(), 0)


@pytest.mark.parametrize("fault", ["recomputed-inv-freq", "half-angles"])
def test_other_frequencies_and_rounded_angles_are_other_tables(case, fault):
    found = case("esm2")
    assert look(found, found.encoder("fp16", fault)).mismatch == 2


def test_one_block_with_a_last_bit_or_positions_of_its_own_is_one_table(case):
    found = case("esm2")

    def nudged(_, inputs):
        (given,) = (value for value in inputs if isinstance(value, Rotary))
        given.cos_Pk[5, 0] = torch.nextafter(given.cos_Pk[5, 0], torch.tensor(2.0))

    def shifted(_, inputs):
        return tuple(_shifted(value) if isinstance(value, Rotary) else value for value in inputs)

    for change in (nudged, shifted):
        encoder = found.encoder("fp16")
        encoder.loaded.model.layers[1].register_forward_pre_hook(change)
        assert look(found, encoder).others == {"1"}


def _shifted(given):
    other = Rotary.__new__(Rotary)
    other.positions_N, other.cos_Pk, other.sin_Pk = given.positions_N.flip(0), given.cos_Pk, given.sin_Pk
    return other


def test_a_kind_without_rotary_tables_has_none_to_compare(case):
    for kind in ("dnabert-s", "ProtBERT"):
        found = case(kind)
        assert stored_frequencies(found.source, found.spec) is None
        assert look(found, found.encoder("fp16")).mismatch is None


def test_looking_leaves_no_hook(case):
    found = case("esm2")
    encoder = found.encoder("fp16")
    look(found, encoder)
    assert not any(module._forward_pre_hooks for module in encoder.loaded.model.modules())
