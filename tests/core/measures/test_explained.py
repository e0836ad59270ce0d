"""Projection on a suspect: a fault below the noise is found, noise alone is not, bits and FP16 sums are counted."""

import numpy as np
import pytest

from vp_tui.core.measures.explained import explained, nearest, significant_bits, sums_in_fp16

RANDOM = np.random.default_rng(7)
X_PD = RANDOM.normal(size=(24, 320))
STEP_PD = 1e-3 * RANDOM.normal(size=X_PD.shape)


def noise(size, seed=0):
    return size * np.random.default_rng(seed).normal(size=X_PD.shape)


def test_a_fault_is_found_under_noise_of_its_own_size():
    found = explained(X_PD, X_PD + STEP_PD + noise(1e-3), X_PD + STEP_PD)
    assert found.fits
    assert found.left == pytest.approx(0.5**0.5, abs=0.05)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e-1])
def test_noise_alone_is_no_fault(size):
    assert not explained(X_PD, X_PD + noise(size), X_PD + STEP_PD).fits


def test_half_of_a_fault_and_its_opposite_are_another_one():
    assert not explained(X_PD, X_PD + 0.5 * STEP_PD, X_PD + STEP_PD).fits
    assert not explained(X_PD, X_PD - STEP_PD, X_PD + STEP_PD).fits


def test_a_fault_of_some_sequences_is_not_that_of_all():
    y_PD = X_PD + STEP_PD
    y_PD[::2] = X_PD[::2] + noise(1e-3)[::2]
    assert not explained(X_PD, y_PD, X_PD + STEP_PD).fits


def test_a_suspect_that_changes_nothing_says_nothing():
    assert explained(X_PD, X_PD + STEP_PD, X_PD).sequences == 0


def test_a_handful_of_sequences_accuses_nobody():
    found = explained(X_PD[:5], (X_PD + STEP_PD)[:5], (X_PD + STEP_PD)[:5])
    assert found.beta == pytest.approx(1)
    assert not found.fits


def test_the_nearest_choice_is_taken():
    assert nearest(X_PD[3], X_PD)[0] == 3


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 24), (np.float16, 11)])
def test_bits_are_those_of_the_format(dtype, bits):
    assert significant_bits(X_PD.astype(dtype).astype(np.float32)) == bits


def test_numbers_that_are_not_finite_have_no_bits():
    assert significant_bits(np.array([[np.nan, np.inf, 1.5]], np.float32)) == 2


@pytest.mark.parametrize("rounds_again", [True, False])
def test_fp16_sums_are_told_from_means_that_were_rounded_once(rounds_again):
    counts_S = RANDOM.integers(20, 200, len(X_PD))
    sums_SD = (X_PD * counts_S[:, None]).astype(np.float16)
    means_SD = (sums_SD.astype(np.float32) / counts_S[:, None]).astype(np.float32)
    if rounds_again:
        means_SD = means_SD.astype(np.float16).astype(np.float32)
    share, chance = sums_in_fp16(means_SD, counts_S)
    assert share == 1
    assert chance < 0.97
    assert sums_in_fp16(X_PD.astype(np.float16).astype(np.float32), counts_S)[0] < 0.97


def test_lengths_that_are_powers_of_two_say_nothing():
    assert sums_in_fp16(X_PD[:2].astype(np.float32), np.array([64, 128])) == (0.0, 0.0)
