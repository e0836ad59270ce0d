"""Stores with runs to compare, made once: five good runs, five degraded ones, some that are hostile or broken."""

import pytest
from report_runs import FACTS, HOSTILE, Runs, cosines, low

from vp_tui.core.report import comparison
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """An empty store of its own for the whole session, and how to add runs to it."""
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("report"))
    upgrade(home)
    return Runs(home)


@pytest.fixture(scope="session")
def ids(runs):
    """Names of runs -> id, or ids."""
    steady = (2000.0, 2004.0, 1996.0, 2002.0, 1998.0)
    found = {"good": [runs.add(values=cosines(30), speed=speed) for speed in steady]}
    set_baseline(runs.home, found["good"], reason="the first that passed", name="main")
    asked = {"token_budget": 256}
    found["bad"] = [
        runs.add("degraded", values=cosines(30, error=3e-4), speed=0.85 * speed, asked=asked) for speed in steady
    ]
    found["cpu"] = runs.add("elsewhere", gpu=False, facts=FACTS | {"dataset_sha256": "00" * 32}, values=cosines(6))
    broken = [*cosines(27), None, None, 0.5]
    found["broken"] = runs.add("broken", values=broken, verdict="FAIL", findings=low(), sentence="not safe")
    names = [HOSTILE, "-1+1", "@sum(a)", *(f"protein{i}" for i in range(3, 30))]
    told = {
        "ids": names, "findings": low(HOSTILE), "sentence": HOSTILE,
        "asked": {"model": HOSTILE, "input": "\t=1+1", "tags": {"=k": HOSTILE}},
    }  # fmt: skip
    found["hostile"] = runs.add(HOSTILE[:80], values=cosines(30, error=1e-3), **told)
    told["asked"] = told["asked"] | {"model": f"other {HOSTILE}"}
    found["worse"] = runs.add(HOSTILE[:80], values=[None, 0.5, 0.6, *cosines(27, error=5e-3)], **told)
    return found


@pytest.fixture(scope="session")
def build(runs, ids):
    """build(base, candidate) -> ComparisonReport, by the names of `ids`."""

    def of(base, candidate, **changes):
        sides = (ids[name] if isinstance(ids[name], list) else [ids[name]] for name in (base, candidate))
        with Reader(runs.home) as reader:
            return comparison.build(reader, *sides, **changes)

    return of


@pytest.fixture(scope="session")
def regressed(build):
    return build("good", "bad")


@pytest.fixture(scope="session")
def hostile(build):
    """Both runs are hostile; the sequences with hostile names lost most."""
    return build("hostile", "worse")


@pytest.fixture(scope="session")
def loaded(runs, ids):
    """loaded(name) -> (snapshot, results) of its first run."""

    def of(name):
        run_id = ids[name][0] if isinstance(ids[name], list) else ids[name]
        with Reader(runs.home) as reader:
            return reader.snapshot(run_id), reader.results(run_id)

    return of
