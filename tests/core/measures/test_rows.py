"""The walks: the same numbers whatever the portions, the cores and the place of the sets."""

import os
import threading
import weakref

import numpy as np
import pytest

from vp_tui.core.measures import rows, selection
from vp_tui.core.measures.elements import ulps
from vp_tui.core.measures.pairs import set_measures
from vp_tui.core.measures.selection import MOST_THREADS, finite_rows, on_all_cores
from vp_tui.core.measures.statistics import reference_statistics, sums


def pair(num=700, width=32):
    """Far more rows than a portion of them has."""
    generator = np.random.default_rng(3)
    x_SD = generator.normal(size=(num, width)).astype(np.float32)
    return x_SD, x_SD + np.float32(1e-3) * generator.normal(size=x_SD.shape).astype(np.float32)


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch):
    monkeypatch.setattr(selection, "PORTION", 32 * 9)


def test_rows_are_measured_alike_in_portions_of_any_size(monkeypatch):
    x_SD, y_SD = pair()
    statistics = reference_statistics(x_SD)
    chosen = np.random.default_rng(0).permutation(700)[:400]
    found = rows.row_measures(x_SD, y_SD, chosen, statistics)
    at_once = set_measures(x_SD[chosen].astype(float), y_SD[chosen].astype(float), statistics)
    for name in at_once.__dataclass_fields__:
        assert np.array_equal(getattr(found.pairs, name), getattr(at_once, name)), name
    assert np.array_equal(found.elements.max_abs_S, np.abs(y_SD - x_SD.astype(float)).max(axis=1)[chosen])
    assert np.array_equal(found.elements.max_ulps_S, ulps(x_SD, y_SD).max(axis=1)[chosen])
    part = found.of(slice(3, 8))
    assert np.array_equal(part.elements.matching_ST, found.elements.matching_ST[3:8])
    assert np.array_equal(part.outliers_y_S, found.outliers_y_S[3:8])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    alone = rows.row_measures(x_SD, y_SD, chosen, statistics)
    assert np.array_equal(alone.pairs.cosine_S, found.pairs.cosine_S)


def test_sums_are_of_the_rows_that_are_meant():
    x_SD, _ = pair()
    meant = np.arange(0, 700, 3)
    found, expected = rows.sums_of_rows(x_SD, meant), sums(x_SD[meant])
    assert found.num == 234
    assert found.mean_D == pytest.approx(expected.mean_D, rel=1e-12)
    assert found.std_D == pytest.approx(expected.std_D, rel=1e-12)
    assert rows.sums_of_rows(x_SD, meant[:0]).num == 0


def test_ulps_are_of_all_rows_or_of_evenly_spread_ones(monkeypatch):
    x_SD, y_SD = pair()
    everything = np.arange(700)
    assert np.array_equal(rows.some_ulps(x_SD, y_SD, everything), ulps(x_SD, y_SD).ravel())
    monkeypatch.setattr(rows, "ULP_ROWS", 7)
    assert np.array_equal(rows.some_ulps(x_SD, y_SD, everything), ulps(x_SD[::100], y_SD[::100]).ravel())
    assert rows.some_ulps(x_SD, y_SD, everything[:0]).size == 0


def test_rows_are_gathered_in_their_order():
    x_SD, _ = pair()
    backwards = np.arange(699, -1, -1)
    assert np.array_equal(rows.gathered(x_SD, backwards, 700), x_SD[::-1])
    assert np.array_equal(rows.gathered(x_SD, backwards, 7), x_SD[::-100])


def test_a_row_is_finite_when_it_is_in_every_set():
    x_SD, y_SD = pair(num=2500)
    x_SD[7, 3], y_SD[2400, 0], y_SD[8, 1] = np.nan, np.inf, -np.inf
    assert np.flatnonzero(~finite_rows(x_SD, y_SD)).tolist() == [7, 8, 2400]
    assert np.flatnonzero(~finite_rows(x_SD)).tolist() == [7]


@pytest.mark.parametrize("cores", [1, 3, 40])
def test_nested_calls_share_a_few_threads_and_end(monkeypatch, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    seen = set()

    def deep(level):
        seen.add(threading.current_thread())
        return sum(on_all_cores(deep, [level - 1] * 12)) if level else 1

    assert deep(3) == 12**3
    assert len(seen) <= min(cores, MOST_THREADS)
    assert on_all_cores(lambda part: part * 10, range(20)) == list(range(0, 200, 10))


def test_two_threads_work_at_once_where_there_are_two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    both = threading.Barrier(2)
    assert len(on_all_cores(lambda _: both.wait(60), range(2))) == 2


def test_what_is_done_is_not_kept_alive_by_a_busy_pool(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    mine, begun, release, gone = threading.current_thread(), threading.Event(), threading.Event(), []

    def work(_):
        if threading.current_thread() is not mine:
            begun.set()
            release.wait(60)
            return
        begun.wait(60)
        large = np.zeros(1000)
        on_all_cores(lambda part, held=large: held[part], range(2))
        there = weakref.ref(large)
        del large
        gone.append(there() is None)
        release.set()

    on_all_cores(work, range(2))
    assert gone == [True]


def test_an_error_in_a_part_is_raised():
    with pytest.raises(ZeroDivisionError):
        on_all_cores(lambda part: 1 // part, [1, 0, 2])
