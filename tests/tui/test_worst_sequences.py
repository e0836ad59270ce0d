"""The worst sequences of a run, and one sequence: its numbers beside the limits, its alerts, its letters."""

import gzip
from dataclasses import replace

import pytest
import snapshots
import stored_runs

from vp_tui.core.config import STRATA
from vp_tui.core.errors import InputError
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.backend import Backend
from vp_tui.tui.panels.sequence_words import MOST_LETTERS, letters, measured, numbers
from vp_tui.tui.screens.sequence import SequenceScreen
from vp_tui.tui.screens.worst import MOST, WorstScreen, table

LIMITS = Thresholds()
NAN, BELOW, _, GOOD = snapshots.results(4)


def filled(driven):
    driven.backend.results = {42: snapshots.results()}
    driven.backend.residues = {one.sequence_id: "MKTAYIAKQR" * 31 for one in snapshots.results()}
    return driven


def archived():
    done = snapshots.passed()
    return replace(done, run=replace(done.run, archived_at_us=1))


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 50)])
async def test_enter_shows_the_worst_sequences_worst_first(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        filled(driven)
        await driven.press("enter")
        await driven.until_text("ORF_0931")
        rows = [row for row in driven.rows if "ORF_" in row]
        assert "!310" in rows[0]
        assert "!0.986200" in rows[1]
        assert ("worst", 42, MOST) in driven.backend.calls
        assert driven.app.screen.query_one("#sequences").max_scroll_x == 0


WIDEST = replace(
    GOOD,
    num_tokens=100_002,
    cosine=-0.9861,
    relative_l2=9.9e-6,
    norm_ratio=1 - 9.9e-6,
    nan_count=128_002_560,
    inf_count=1,
)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 50)])
async def test_every_sequence_takes_one_row_whatever_its_numbers(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        driven.backend.results = {
            42: tuple(replace(WIDEST, seq_idx=place, sequence_id=f"ORF_{place:04d}" * 12) for place in range(60))
        }
        await driven.press("enter")
        await driven.until_text("ORF_0000")
        sequences = driven.app.screen.query_one("#sequences")
        await driven.until(lambda: sequences.show_vertical_scrollbar)
        for each in (size, (size[0] + 7, size[1]), size):
            await driven.pilot.resize_terminal(*each)
            await driven.until(lambda: sequences.virtual_size.height == sequences.option_count == MOST)
            shown = [row for row in driven.rows if "ORF_00" in row]
            assert len(shown) == sequences.size.height
            # the last column is whole
            assert all(
                row.rstrip(" \u2502\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588").endswith("!1") for row in shown
            )


async def test_the_list_grows_with_the_run_and_the_chosen_sequence_stays_chosen(drive):
    async with drive(snapshots.running(0.2)) as driven:
        await driven.press("enter")
        await driven.until_text("no sequence compared yet")
        every = snapshots.results()
        driven.backend.results = {42: every[2:]}
        driven.backend.store.put(snapshots.running(0.4))
        await driven.until_text(every[2].sequence_id)
        await driven.press("down")
        chosen = driven.app.screen.query_one("#sequences")
        assert chosen.highlighted == 1
        driven.backend.results = {42: every}
        driven.backend.store.put(snapshots.running(0.6))
        await driven.until_text(every[0].sequence_id)
        assert chosen.highlighted == 3


async def test_enter_again_opens_the_sequence_under_the_cursor_and_escape_returns_to_it(drive):
    async with drive(snapshots.failed_gate()) as driven:
        filled(driven)
        await driven.press("enter")
        await driven.until_text("ORF_0931")
        await driven.press("down", "enter")
        await driven.until(lambda: isinstance(driven.app.screen, SequenceScreen))
        await driven.until_text("310 residues")
        for words in ("ORF_0932  long, 310 tokens", "at or below 0", "fails M1", "beyond 0.5% (M5)", "FAIL 01:09"):
            assert words in driven.text
        await driven.press("escape")
        assert driven.app.screen.query_one("#sequences").highlighted == 1
        await driven.press("q")
        assert not isinstance(driven.app.screen, WorstScreen)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (snapshots.running, "no sequence compared yet"),
        (snapshots.ended, "no sequence was compared"),
        (archived, "archived"),
    ],
)
async def test_no_sequence_is_said_in_words(drive, made, words):
    async with drive(made()) as driven:
        await driven.press("enter")
        await driven.until_text(words)
        await driven.press("enter", "escape")
        assert not isinstance(driven.app.screen, WorstScreen)


async def test_a_store_that_cannot_be_read_is_said_in_the_form(drive):
    async with drive(snapshots.running(), refuse="database is locked") as driven:
        await driven.press("enter")
        await driven.until_text("! database is locked")


@pytest.mark.parametrize(
    ("residues", "words"),
    [
        ({}, "not found in the file"),
        ("no sequence file at /data/reads", "! no sequence file at /data/reads"),
    ],
)
async def test_letters_that_cannot_be_shown_say_why(drive, residues, words):
    async with drive(snapshots.failed_gate()) as driven:
        filled(driven).backend.residues = residues
        await driven.press("enter")
        await driven.until_text("ORF_0931")
        await driven.press("enter")
        await driven.until_text(words)
        assert "fails V1" in driven.text


def test_only_what_fails_a_sequence_is_marked_as_failing():
    assert [one.gate for one in numbers(NAN, LIMITS)] == ["M1", None, None, "V1", None]
    assert [one.gate for one in numbers(BELOW, LIMITS)] == ["M1", None, None, None, None]
    assert [one.level for one in numbers(BELOW, LIMITS)][1:3] == ["info", "info"]
    assert {one.level for one in numbers(GOOD, LIMITS)} == {"good", "plain"}


@pytest.mark.parametrize(("cosine", "fails"), [(LIMITS.fail(M1), True), (LIMITS.fail(M1) + 1e-9, False), (None, True)])
def test_the_limit_itself_does_not_pass(cosine, fails):
    assert (numbers(replace(GOOD, cosine=cosine), LIMITS)[0].gate == "M1") == fails


def test_a_sequence_without_a_row_says_so():
    assert measured(None, LIMITS).plain.startswith("no metrics")


@pytest.mark.parametrize("width", [40, 57, 72, 97, 190])
def test_the_lines_of_the_table_keep_to_their_width(width):
    wide = [WIDEST, replace(GOOD, sequence_id="\u5e8f\u5217" * 40), *snapshots.results(3)]
    rows = [row.cell_length for row in table(wide, snapshots.running(), width)]
    assert len(set(rows)) == 1
    assert rows[0] <= width


def test_letters_stand_in_groups_of_ten_with_the_number_of_the_first():
    rows = letters("A" * 60 + "C" * 5).plain.splitlines()
    assert rows == ["65 residues", "    1 " + " ".join(["A" * 10] * 6), "   61 CCCCC"]


def test_a_long_sequence_is_shown_to_its_first_letters():
    rows = letters("M" * 40_000).plain.splitlines()
    assert rows[0] == f"40,000 residues, first {MOST_LETTERS} shown"
    assert sum(row.count("M") for row in rows) == MOST_LETTERS


def test_cosines_and_single_sequences_come_from_the_store(home, monkeypatch):
    run_id = stored_runs.complete(home)
    backend = Backend(home)
    found = backend.compared(run_id)
    assert {name: len(cosines) for name, cosines in found.cosines.items()} == dict.fromkeys(STRATA, 10)
    assert [one.seq_idx for one in found.few] == list(range(30))
    monkeypatch.setattr("vp_tui.tui.panels.chart_views.FEW", 29)
    assert backend.compared(run_id).few == ()
    assert backend.sequence(run_id, "protein7").seq_idx == 7
    assert backend.sequence(run_id, "nobody") is None
    assert [one.seq_idx for one in backend.worst(run_id, 2)] == [29, 28]


def test_letters_come_from_the_file_by_the_name_the_run_gave(home, tmp_path):
    path = tmp_path / "reads.faa.gz"
    path.write_bytes(gzip.compress(b">a first\nMKV\n>a\nMKVL\n>b\nMAA\nAA\n"))
    backend = Backend(home)
    assert [backend.letters(str(path), name) for name in ("a", "a.2", "b", "c")] == ["MKV", "MKVL", "MAAAA", None]
    with pytest.raises(InputError, match="does not exist"):
        backend.letters(str(tmp_path / "gone.faa"), "a")
