"""The list of alerts: chosen by keyboard, at the newest unless the reader moved, cheap in a storm; one alert whole."""

import time
from dataclasses import replace

import parts
import pytest
import snapshots

from vp_tui.core.events import AlertRaised
from vp_tui.tui.panels.alerts import MOST, AlertList, entries, in_words
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
        assert "no alerts" in driven.text
        await driven.press("a", "enter")
        assert not isinstance(driven.app.screen, AlertScreen)


async def test_the_newest_is_in_sight_while_they_come(drive):
    async with drive(running(5)) as driven:
        for num in (6, 40, 300):
            await put(driven, running(num))
            await driven.until_text(f"ORF_{930 + num:04d}")


async def test_more_room_or_less_keeps_the_newest_in_sight(drive):
    async with drive(snapshots.failed_gate()) as driven:
        for size in [(80, 24), (60, 16), (120, 40)]:
            await driven.pilot.resize_terminal(*size)
            await driven.press("a")
            await driven.until_text("WARN M4 long")
            await driven.press("a")
            await driven.until_text("WARN M4 long")


def test_what_a_message_names_itself_is_not_said_twice():
    named = snapshots.alert(message="long: ORF_0931 has 3 NaN")
    assert in_words(named, None).plain == "FAIL - long: ORF_0931 has 3 NaN"
    assert in_words(snapshots.alert(message="3 NaN"), None).plain == "FAIL - long ORF_0931: 3 NaN"


async def test_the_cursor_follows_the_newest_until_the_reader_moves_it(drive):
    async with drive(running(5)) as driven:
        await driven.press("a")
        assert alert_list(driven).chosen.key == "a4"
        await put(driven, running(7))
        assert alert_list(driven).chosen.key == "a6"
        await driven.press("up")
        await put(driven, running(9))
        assert alert_list(driven).chosen.key == "a5"
        await driven.press("end")
        await put(driven, running(10))
        assert alert_list(driven).chosen.key == "a9"


@pytest.mark.parametrize("first", [0, 3000])
async def test_the_chosen_one_stays_when_thousands_come_after_it(drive, first):
    async with drive(running(30)) as driven:
        await driven.press("a", "home", "down", "down")
        await put(driven, running(5000, first=first))
        assert alert_list(driven).chosen.key == "a2"
        assert alert_list(driven).option_count == MOST + 1
        assert "alerts: 5,000 (last 200 shown)" in driven.text
        await driven.press("enter")
        await driven.until_text("sequence  ORF_0933")


def test_a_storm_costs_no_more_than_its_last_lines():
    storm = running(20_000)
    assert len(entries(storm)) == MOST
    begin = time.process_time()
    for _ in range(20):
        entries(storm)
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
        await driven.press("a", "up", "up")
        driven.app._poller.choose(41)
        await driven.until_text("no alerts")
        assert "ORF_" not in driven.text


async def test_tab_arrows_and_enter_open_an_alert_and_escape_goes_back(drive):
    async with drive(snapshots.failed_gate()) as driven:
        await driven.press("tab", "tab", "tab", "tab", "tab", "tab", "up", "up", "enter")
        await driven.until(lambda: isinstance(driven.app.screen, AlertScreen))
        for words in (
            "FAIL  nan",
            "ORF_0942",
            "02:39 after start",
            "Meaning",
            "What to do",
            "NaN in 310 of 310",
        ):
            assert words in driven.text
        await driven.press("escape")
        assert not isinstance(driven.app.screen, AlertScreen)


@pytest.mark.parametrize("size", [(60, 16), (120, 40)])
async def test_a_finding_opens_with_the_meaning_of_its_gate(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        await driven.press("a", "up", "enter")
        await driven.until_text("FAIL  V1")
        assert "no usable embedding" in driven.text
        assert "s Sequence" not in driven.text, "a finding is not about a single sequence"


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
