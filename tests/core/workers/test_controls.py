"""C1: which gate catches which planted damage, and which rows are damaged."""

import numpy as np
import pytest

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.table import EMBEDDING_GATES
from vp_tui.core.measurements import Measured, merged
from vp_tui.core.measures.corruption import CONTROLS
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.results import gate_results
from vp_tui.core.workers.validate import controls

LIMITS = Thresholds()


def embeddings(num=300, width=32, common=0.0):
    """Embeddings whose sequences share `common` in one dimension, as those of real models do."""
    x_SD = np.random.default_rng(0).normal(size=(num, width)).astype(np.float32)
    x_SD[:, 5] += common
    return x_SD, np.repeat([0, 1, 2], num // 3)


def caught(measured):
    return measured.details["controls"]["caught"]


@pytest.fixture(scope="module")
def isotropic():
    return controls.run(*embeddings(), LIMITS)


@pytest.fixture(scope="module")
def dominated():
    return controls.run(*embeddings(common=40.0), LIMITS)


def test_every_control_is_caught_on_embeddings_that_point_anywhere(isotropic):
    assert isotropic.values == {"C1": {"all": {"controls": len(CONTROLS), "uncaught": 0}}}
    assert list(caught(isotropic)) == list(CONTROLS)
    assert isotropic.details["controls"]["impossible"] == []
    assert isotropic.details["controls"]["texts"]["lost-scale"] == CONTROLS["lost-scale"][1]


def test_cosine_sees_exchanged_sequences_but_no_lost_scale(isotropic):
    assert {"M1", "M2", "S1"} <= set(caught(isotropic)["permuted-pairs"])
    assert not {"M1", "M1-p01", "S1", "S2"} & set(caught(isotropic)["lost-scale"])
    assert {"M4", "M5", "M5-scale"} <= set(caught(isotropic)["lost-scale"])
    assert "M4-worst" in caught(isotropic)["one-noisy-sequence"]
    assert not {"M1", "M1-p01", "M4", "S2"} & set(caught(isotropic)["one-noisy-sequence"])


def test_cosine_does_not_see_half_of_the_signal_gone_under_a_dominant_dimension(dominated):
    assert "M1" not in caught(dominated)["half-signal"]
    assert {"M4c", "S5-std"} <= set(caught(dominated)["half-signal"])


def test_a_gate_that_catches_nothing_is_blind():
    loose = Thresholds(
        {"M1.fail": -0.9999, **dict.fromkeys(("M5.fail", "M5.warn", "M5-scale.fail", "M5-scale.warn"), 10.0)}
    )
    found = controls.run(*embeddings(), loose)
    assert found.details["controls"]["blind"] == ["M1", "M5", "M5-scale"]
    x_SD, stratum_S = embeddings()
    measured = merged([after_run(x_SD, x_SD, stratum_S, cosine_limit=loose.fail(M1)), found])
    states = {row.id: row.state for row in gate_results(measured, (), (), loose)}
    assert (states["M1"], states["M2"], states["C1"]) == ("blind", "pass", "pass")


def test_damage_that_no_gate_sees_is_counted_and_named_in_a_finding():
    harmless = {**CONTROLS, "one-bit": (lambda x_SD: x_SD * np.float32(1 + 1e-6), "Nothing that matters.")}
    found = controls.run(*embeddings(), LIMITS, controls=harmless)
    assert found.values["C1"]["all"] == {"controls": len(CONTROLS) + 1, "uncaught": 1}
    assert caught(found)["one-bit"] == []
    findings = judge.findings((), found, limits=LIMITS, gates="mission")
    assert [(one.gate, one.severity, one.value) for one in findings] == [("C1", "warn", 1)]
    assert "one-bit" in findings[0].text


def test_an_impossible_control_is_told_and_not_counted():
    some = {"never": (lambda _x_SD: None, "Cannot be."), "lost-scale": CONTROLS["lost-scale"]}
    found = controls.run(*embeddings(), LIMITS, controls=some)
    assert found.values["C1"]["all"]["controls"] == 1
    assert found.details["controls"]["impossible"] == ["never"]
    assert list(caught(found)) == ["lost-scale"]


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_is_claimed_where_no_control_was_possible(rows):
    x_SD, stratum_S = embeddings()
    found = controls.run(x_SD[:rows], stratum_S[:rows], LIMITS)
    assert found.values == {}
    assert found.details["controls"]["impossible"] == list(CONTROLS)
    assert found.details["controls"]["blind"] == []


def test_reference_rows_that_are_not_finite_are_left_out():
    x_SD, stratum_S = embeddings()
    x_SD[::7, 3] = np.nan
    x_SD[1, 0] = np.inf
    seen = []

    def measure(x_SD, y_SD, stratum_S, *, cosine_limit):
        seen.append((x_SD, y_SD, stratum_S, cosine_limit))
        return Measured()

    found = controls.run(x_SD, stratum_S, LIMITS, measure=measure)
    assert len(seen) == len(CONTROLS)
    for clean_SD, damaged_SD, strata_S, limit in seen:
        assert np.isfinite(clean_SD).all()
        assert clean_SD.shape == damaged_SD.shape == (300 - 43 - 1, 32)
        assert limit == LIMITS.fail(M1)
        assert np.bincount(strata_S).sum() == len(clean_SD)
    # a measure without numbers catches nothing, and no gate was asked
    assert found.values["C1"]["all"]["uncaught"] == len(CONTROLS)
    assert found.details["controls"]["blind"] == []


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((1000, 1000, 1000), (170, 171, 171)), ((10, 1000, 1000), (10, 251, 251)), ((0, 0, 900), (0, 0, 512)),
     ((5, 6, 7), (5, 6, 7))],
)  # fmt: skip
def test_at_most_512_rows_are_shared_between_the_strata_and_spread_over_each(sizes, expected):
    stratum_S = np.repeat([0, 1, 2], sizes)
    rows_R = controls.chosen_rows(np.zeros((len(stratum_S), 2), np.float32), stratum_S)
    assert tuple(np.bincount(stratum_S[rows_R], minlength=3)) == expected
    assert (np.diff(rows_R) > 0).all()
    if sizes[2] == 900:
        assert np.diff(rows_R).max() <= 2


def test_the_rows_do_not_depend_on_chance_and_the_reference_is_left_as_it_was():
    x_SD, stratum_S = embeddings(600)
    before_SD = x_SD.copy()
    first, second = (controls.run(x_SD, stratum_S, LIMITS) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(x_SD, before_SD)


def test_the_undamaged_reference_alarms_no_gate():
    x_SD, stratum_S = embeddings()
    clean = after_run(x_SD, x_SD, stratum_S, cosine_limit=LIMITS.fail(M1))
    assert not [gate.id for gate in EMBEDDING_GATES if controls.catches(gate, clean, LIMITS)]
