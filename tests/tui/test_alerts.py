"""The list of problems and notes: one line per cause, the most severe on top, cheap in a storm; one of them whole."""

import time
from dataclasses import replace

import parts
import pytest
import snapshots

from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.report.issues import NOTHING_TO_DO, issues
from vp_tui.tui.panels.alerts import AlertList, in_words
from vp_tui.tui.screens.alert import MEANINGS, AlertScreen, alert_words, meaning
from vp_tui.tui.screens.sequence import SequenceScreen


def running(num, *, first=0):
    """A run that has raised `num` alerts, of which the snapshot holds those from `first` on."""
    live = snapshots.running()
    return replace(live, run=replace(live.run, num_alerts=num), alerts=parts.nan_alerts(num)[first:])


def alert_list(driven):
    return driven.app.screen.query_one(AlertList)


async def put(driven, snapshot):
    driven.backend.store.put(snapshot)
    await driven.until(lambda: driven.app.view.snapshot == snapshot)
    await driven.pilot.pause()


async def test_without_alerts_there_are_words_and_nothing_to_open(drive):
    async with drive(snapshots.running()) as driven:
        assert "no problems, no notes" in driven.text
        await driven.press("a", "enter")
        assert not isinstance(driven.app.screen, AlertScreen)


def kinds(snapshot):
    return [(one.severity, one.key) for one in issues(snapshot)]


async def test_a_storm_of_alerts_about_sequences_is_one_line_with_a_count(drive):
    async with drive(running(5)) as driven:
        await put(driven, replace(running(300), strata=parts.strata(0.63, nan=300, below=300)))
        await driven.until_text("1 problem")
        assert sum("FAIL" in row for row in driven.rows) == 1
        await driven.until_text("300 of 6,298")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_finished_run_stands_at_the_top_with_its_most_severe_finding(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        await driven.until_text("2 problems")
        first = next(row for row in driven.rows if "FAIL V1" in row)
        assert "12 of 10,000 sequences become NaN or Inf" in first or size[0] > 80
        assert alert_list(driven).scroll_offset.y == 0


def test_findings_come_before_alerts_and_the_most_severe_first():
    note = snapshots.alert(severity="info", kind="precision", sequence_id=None, stratum=None, message="rounded")
    warned = snapshots.alert(severity="warn", kind="gpu", sequence_id=None, stratum=None, message="shared")
    base = snapshots.failed_gate()
    mixed = replace(base, alerts=(note, warned, *base.alerts), run=replace(base.run, num_alerts=14))
    assert kinds(mixed) == [("fail", "fV1fail"), ("warn", "fM4warn"), ("warn", "a1"), ("info", "a0")]
    # the alerts about sequences with NaN belong to the finding
    assert len(issues(mixed)[0].others) == len(base.alerts)


def test_a_run_whose_low_similarities_are_all_nan_has_one_problem():
    below = Finding(gate="M1", severity="fail", stratum="long", text="long: 12 at or below similarity 0.99")
    base = snapshots.failed_gate()
    base = replace(base, findings=(*base.findings, below))
    same = replace(base, strata=parts.strata(1.0, nan=12, below=12))
    assert [key for _, key in kinds(base)] == ["fV1fail", "fM1fail", "fM4warn"]
    assert [key for _, key in kinds(same)] == ["fV1fail", "fM4warn"]
    assert below in issues(same)[0].others


def test_each_problem_has_its_next_step_and_a_note_has_nothing_to_do():
    note = Finding(gate="V4", severity="info", stratum=None, text="9.4% at layers.2.fc2")
    found = issues(replace(snapshots.failed_gate(), findings=(*snapshots.failed_gate().findings, note)))
    assert [one.next_step == NOTHING_TO_DO for one in found] == [False, False, True]
    assert all(one.next_step for one in found)


def test_what_a_message_names_itself_is_not_said_twice():
    named = snapshots.alert(message="long: ORF_0931 has 3 NaN")
    assert in_words(named, None).plain == "FAIL - long: ORF_0931 has 3 NaN"
    assert in_words(snapshots.alert(message="3 NaN"), None).plain == "FAIL - long ORF_0931: 3 NaN"


async def test_the_cursor_stays_on_its_cause_while_others_come(drive):
    note = snapshots.alert(severity="info", kind="precision", sequence_id=None, stratum=None, message="rounded")
    quiet = replace(snapshots.running(), alerts=(note,), run=replace(snapshots.running().run, num_alerts=1))
    async with drive(quiet) as driven:
        await driven.press("a")
        assert alert_list(driven).chosen.key == "a0"
        loud = running(40)
        await put(driven, replace(loud, alerts=(note, *loud.alerts), run=replace(loud.run, num_alerts=41)))
        assert (alert_list(driven).chosen.key, alert_list(driven).option_count) == ("a0", 2)
        await driven.press("up", "enter")
        await driven.until_text("Same cause (39)")


def test_a_storm_costs_little():
    storm = running(20_000)
    assert len(issues(storm)) == 1
    begin = time.process_time()
    for _ in range(20):
        issues(storm)
    assert time.process_time() - begin < 0.5


async def test_a_list_without_news_is_not_written_again(drive, monkeypatch):
    async with drive(running(300)) as driven:
        written = []
        for name in ("set_options", "add_options", "refresh"):
            monkeypatch.setattr(AlertList, name, lambda *_a, _name=name, **_k: written.append(_name))
        alert_list(driven).show(running(300))
        assert written == []


async def test_another_run_has_its_own_alerts(drive):
    other = replace(snapshots.passed(), run=replace(snapshots.passed().run, id=41, uuid="41"))
    async with drive(running(12), other, run_id=42) as driven:
        await driven.press("a")
        driven.app._poller.choose(41)
        await driven.until_text("no problems, no notes")
        assert "ORF_" not in driven.text


async def test_tab_arrows_and_enter_open_an_alert_and_escape_goes_back(drive):
    async with drive(snapshots.failed_gate()) as driven:
        await driven.press("tab", "tab", "tab", "tab", "tab", "enter")
        await driven.until(lambda: isinstance(driven.app.screen, AlertScreen))
        for words in (
            "FAIL  V1",
            "Meaning",
            "What to do",
            "Same cause (12)",
        ):
            assert words in driven.text
        await driven.press("escape")
        assert not isinstance(driven.app.screen, AlertScreen)


@pytest.mark.parametrize("size", [(60, 16), (120, 40)])
async def test_a_finding_opens_with_the_meaning_of_its_gate(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        await driven.press("a", "down", "enter")
        await driven.until_text("WARN  M4")
        await driven.press("s")
        await driven.until_text("single")


async def test_s_goes_on_to_the_sequence_and_back(drive):
    async with drive(snapshots.failed_gate()) as driven:
        driven.backend.results = {42: snapshots.results()}
        driven.backend.residues = {"ORF_0931": "MKV"}
        await driven.press("a", "home", "enter", "s")
        await driven.until(lambda: isinstance(driven.app.screen, SequenceScreen))
        await driven.until_text("3 residues")
        assert "fails V1" in driven.text
        await driven.press("escape", "q")
        assert driven.app.screen.query(AlertList)


def test_every_fact_of_an_alert_is_shown_and_what_is_not_known_is_left_out():
    words = alert_words(snapshots.alert(block=7, pack=31, layer="layers.4.fc2"), snapshots.running()).plain
    for row in ("run       #42", "stratum   long", "sequence  ORF_0931", "block     7", "batch     31", "layers.4.fc2"):
        assert row in words
    bare = alert_words(snapshots.alert(stratum=None, sequence_id=None), snapshots.running()).plain
    assert not {"stratum", "sequence", "block", "pack", "layer"} & {row.split(" ")[0] for row in bare.splitlines()}


def test_every_kind_an_event_may_have_is_explained():
    from inspect import getsource

    kinds = next(row for row in getsource(AlertRaised).splitlines() if "nan, inf" in row).strip(' "').split(", ")
    assert set(kinds) == set(MEANINGS)
    assert all(what and todo for what, todo in MEANINGS.values())
    assert meaning(snapshots.alert(kind="new"))[1]


async def test_stored_text_is_no_markup_and_no_control(drive):
    words = "[red]x[/red] \x1b[2J"
    shown = replace(running(1), alerts=(snapshots.alert(sequence_id=words, message=words, kind=words, stratum=words),))
    async with drive(shown) as driven:
        await driven.press("a", "enter")
        await driven.until(lambda: isinstance(driven.app.screen, AlertScreen))
        assert "[red]x[/red]" in driven.text
        assert "\x1b" not in driven.text
        await driven.press("s")
        await driven.until_text("not found in the file")
        assert "\x1b" not in driven.text
