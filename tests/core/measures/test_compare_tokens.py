import numpy as np
import pytest

from vp_tui.core.measures.pairs import row_cosine
from vp_tui.core.measures.tokens import token_numbers

LENGTHS = (3, 60, 1, 100)


@pytest.fixture
def tokens():
    """x, y of 164 tokens of four sequences, and what says where they are."""
    generator = np.random.default_rng(0)
    x_ND = generator.normal(size=(sum(LENGTHS), 24)).astype(np.float32)
    x_ND[:, 2] += 30
    y_ND = (x_ND + 1e-3 * generator.normal(size=x_ND.shape)).astype(np.float32)
    ends = np.cumsum(LENGTHS)
    first_N, last_N = np.zeros(ends[-1], bool), np.zeros(ends[-1], bool)
    first_N[[0, *ends[:-1]]] = True
    last_N[ends - 1] = True
    return x_ND, y_ND, {"first_N": first_N, "last_N": last_N}


def test_cosines_are_those_of_single_tokens_plain_and_about_the_mean_token(tokens):
    x_ND, y_ND, where = tokens
    wide_ND, candidate_ND = x_ND.astype(np.float64), y_ND.astype(np.float64)
    mean_D = wide_ND.mean(axis=0)
    found = token_numbers(x_ND, y_ND, **where)
    for prefix, cosine_N in (
        ("", row_cosine(wide_ND, candidate_ND)),
        ("centred_", row_cosine(wide_ND - mean_D, candidate_ND - mean_D)),
    ):
        # the mean is summed in portions
        assert found[f"{prefix}min"] == pytest.approx(cosine_N.min(), abs=1e-15)
        assert found[f"{prefix}p001"] == pytest.approx(np.percentile(cosine_N, 0.1), abs=1e-15)
        assert found[f"{prefix}first_min"] == pytest.approx(cosine_N[where["first_N"]].min(), abs=1e-15)
        assert found[f"{prefix}last_min"] == pytest.approx(cosine_N[where["last_N"]].min(), abs=1e-15)


def test_a_broken_last_token_is_seen_as_one(tokens):
    x_ND, y_ND, where = tokens
    y_ND[62] *= -1
    found = token_numbers(x_ND, y_ND, **where)
    assert found["min"] == found["last_min"] < -0.99
    assert found["first_min"] > 0.999


def test_a_common_part_hides_damage_from_the_plain_cosine_only(tokens):
    x_ND, y_ND, where = tokens
    y_ND[:] = x_ND.mean(axis=0) + (x_ND - x_ND.mean(axis=0)) * np.float32(-0.1)
    found = token_numbers(x_ND, y_ND, **where)
    assert found["min"] > 0.9
    assert found["centred_min"] < -0.99


def test_a_token_that_is_not_finite_takes_part_in_nothing(tokens):
    x_ND, y_ND, where = tokens
    plain = token_numbers(np.delete(x_ND, 80, axis=0), np.delete(y_ND, 80, axis=0), **cut(where, 80))
    y_ND[80, 3] = np.nan
    found = token_numbers(x_ND, y_ND, **where)
    assert found == pytest.approx(plain, abs=1e-15)  # summed in other portions


def cut(where, index):
    return {name: np.delete(mask_N, index) for name, mask_N in where.items()}


@pytest.mark.parametrize("num", [0, 1, 5])
def test_equal_tokens_or_none_have_no_centred_cosine(num):
    x_ND = np.full((num, 3), 2, np.float32)
    mask_N = np.ones(num, bool)
    found = token_numbers(x_ND, x_ND, first_N=mask_N, last_N=mask_N)
    assert found["min"] == (1.0 if num else None)
    assert found["centred_min"] is None
