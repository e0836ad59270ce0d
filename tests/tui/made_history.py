"""A made-up history on the Runs screen, and what its tests ask of the table."""

from contextlib import asynccontextmanager
from dataclasses import replace

import snapshots

from vp_tui.core.store.baselines import Baseline
from vp_tui.tui.panels.runs_table import RunsTable

DONE = replace(snapshots.passed().run, accuracy_key="acc", perf_key="perf")
BASE = replace(DONE, id=35, speedup=2.18, cosine_min=0.99995)


def history():
    """Active, FAIL, PASS, failed; the baseline `release-1`."""
    active, failed, passed, *_, broken = snapshots.history()
    fails = replace(failed, id=41, accuracy_key="acc", perf_key="perf", tags={"gpu": "h200"}, note="new driver")
    return (active, fails, replace(DONE, id=40, speedup=passed.speedup), replace(broken, id=38), BASE)


def release(*run_ids):
    return tuple(
        Baseline(
            id=number, name="release-1", key_kind=kind, key=key, reason="the release", created_at_us=1,
            created_by="ada", retired_at_us=None, retired_reason=None, run_uuids=("u",), run_ids=run_ids,
        )
        for number, (kind, key) in enumerate((("accuracy", "acc"), ("perf", "perf")))
    )  # fmt: skip


@asynccontextmanager
async def showing(drive, **options):
    """`async with showing(drive, size=..) as driven`: the history above is on the screen."""
    async with drive(snapshots.running(), **{"rows": history()} | options) as driven:
        driven.backend.store.pinned = release(35)
        driven.backend.store.touch()
        await driven.until(lambda: driven.app.view.baselines)
        await driven.press("2")
        await driven.until(lambda: len(table(driven).runs) == len(driven.app.view.runs))
        yield driven


def table(driven):
    return driven.app.main_screen.query_one(RunsTable)


def row(driven, run_id):
    lines = table(driven).copy_text().splitlines()
    return next(line for line in lines if f" {run_id} " in line[:8])


def words(driven):
    return " ".join(driven.text.split())
