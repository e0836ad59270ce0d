"""Events on their way through a file: every kind comes back as it was, and garbage is refused, never an exception."""

import pytest
from records import alert, compared, encoded, finding, finished, four_strata, gpu_sample, planned, result

from vp_tui.core.events import PhaseChanged, Progress, RunStopped
from vp_tui.core.store import kept_events

EVENTS = (
    PhaseChanged(at_us=1, phase="loading", detail="a ž \u202e"),
    planned(dataset={"deep": [{"x": 1}]}),
    encoded(),
    compared(results=(result(0, cosine=None),), strata=four_strata()),
    Progress(at_us=2, done=1, total=3, eta_s=None),
    gpu_sample(),
    alert(),
    finished(findings=(finding(),), strata=four_strata()),
    RunStopped(at_us=5, status="failed", reason="x", exit_code=7),
)


def test_every_kind_of_event_comes_back_as_it_was(tmp_path):
    assert kept_events.read(kept_events.keep(tmp_path, EVENTS)) == EVENTS


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.7, 0.999])
def test_a_file_that_was_cut_gives_the_events_before_the_cut(tmp_path, cut):
    path = kept_events.keep(tmp_path, EVENTS)
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])
    found = kept_events.read(path)
    assert found == EVENTS[: len(found)]
    assert len(found) < len(EVENTS)
