"""The estimate before the start, and what fits on the screen."""

import threading
from dataclasses import replace

import pytest
import snapshots
from form_parts import arm, estimate_of, fill, is_whole, opened

from vp_tui.core.runs.estimate.planned import PlannedDevices
from vp_tui.tui.fields import Remembered
from vp_tui.tui.panels.estimate import WAITING, estimate_content, waits_for


async def test_the_estimate_comes_when_the_values_are_good_and_the_newest_wins(drive, fasta):
    first = threading.Event()

    def slow_first(config):
        if config.sample == 7:
            first.wait(10)
        return estimate_of(in_file=config.sample * 1000)

    async with drive() as driven:
        driven.backend.estimates = slow_first
        await opened(driven)
        await driven.press("escape")
        await driven.until_text(WAITING[:20])
        await fill(driven, model="esm2-3b", input=fasta, sample="7")
        await driven.until(lambda: driven.backend.estimated)
        await fill(driven, sample="9")
        first.set()
        await driven.until_text("of 9,000 sequences")
        assert [config.sample for config in driven.backend.estimated] == [7, 9]
        await fill(driven, sample="0")
        await driven.until_text(WAITING[:20])


async def test_an_estimate_of_values_that_are_no_more_is_dropped(drive, fasta):
    go_on, gone = threading.Event(), threading.Event()

    def slow(config):
        go_on.wait(10)
        gone.set()
        return estimate_of()

    async with drive() as driven:
        driven.backend.estimates = slow
        await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.until(lambda: driven.backend.estimated)
        await fill(driven, sample="0")
        go_on.set()
        await driven.until(lambda: gone.is_set() and not any(work.group == "estimate" for work in driven.app.workers))
        await driven.pilot.pause()
        assert "1,400,000" not in driven.text


async def test_a_name_needs_no_other_estimate_and_what_speaks_against_the_run_takes_its_place(drive, fasta):
    async with drive() as driven:
        driven.backend.estimates = lambda config: estimate_of()
        await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.until_text("1,400,000 tokens")
        await fill(driven, name="nightly")
        assert "1,400,000 tokens" in driven.text
        driven.backend.estimates = "the sequences are DNA or RNA, and tiny reads proteins"
        await fill(driven, sample="5")
        await driven.until_text("! the sequences are DNA or RNA")


def two_gpus(**changes):
    return PlannedDevices(**{"names": ("cuda:0", "cuda:1"), "count": 2} | changes)


def lines_of(*runs, **changes):
    return estimate_content(estimate_of(**changes), runs).plain.splitlines()


def test_one_sentence_per_line_with_seconds_and_memory():
    assert lines_of() == [
        "10,000 of 20,000 sequences (short 3,334, medium 3,333, long 3,333), 1,400,000 tokens",
        "encoding fp32 about 171 s + fp16 about 83.5 s, as fast as #41 (which took 06:43)",
        "weights fp32 12 GiB + fp16 6.0 GiB + activations, 139 GiB free on cuda:0",
    ]


def test_a_projection_says_about_and_an_unknown_says_why():
    assert lines_of(is_exact=False, in_file=10_000)[0].startswith("all 10,000 sequences")
    assert lines_of(is_exact=False)[0].endswith("about 1.4M tokens")
    assert lines_of(reference=arm(like=None), candidate=arm(like=None))[1] == (
        "time unknown: no comparable run yet (this model on cuda)"
    )
    assert "fp16 unknown" in lines_of(candidate=arm(seconds=None, like=None))[1]
    assert "own tokenizer" in lines_of(tokens=None)[1]
    assert "the fp32 of #40" in lines_of(stored_by=40)[1]
    fetched = lines_of(tokens=None, to_fetch="a/b", reference=arm(weight_bytes=None))
    assert fetched[1].startswith("~ a/b is not on this machine")


@pytest.mark.parametrize(
    ("devices", "seconds", "memory"),
    [
        (two_gpus(), "on 2 GPUs, as fast each as #41", "each GPU: weights"),
        (two_gpus(count=None, is_cluster=True), ", divided by the number of GPUs", "each GPU: weights"),
        (PlannedDevices(names=("cpu",), count=4), "on 4 processes that share the cores, as fast as #41", "each of 4"),
    ],
)
def test_several_devices_are_named_beside_the_time_and_the_memory_of_each(devices, seconds, memory):
    found = lines_of(devices=devices)
    assert seconds in found[1]
    assert memory in found[2]


def test_memory_that_does_not_suffice_is_marked():
    assert lines_of(free_bytes=8 * 2**30)[2].startswith("! weights")
    assert "does not fit" in lines_of(free_bytes=8 * 2**30)[2]
    assert lines_of(free_bytes=13 * 2**30)[2].startswith("~ weights")
    assert "unknown amount free" in lines_of(free_bytes=None)[2]


def test_a_run_on_the_same_device_is_waited_for():
    queued, there, elsewhere, done = (
        snapshots.row(44, status="queued", device=None), snapshots.row(42), snapshots.row(41, device="cuda:1"),
        replace(snapshots.passed().run, id=40),
    )  # fmt: skip
    assert waits_for(["cuda:0"], (queued, there, elsewhere, done)) is there
    assert waits_for(["cuda:1"], (there, elsewhere, done)) is elsewhere
    assert waits_for(["cpu"], (there, elsewhere, done)) is None
    assert waits_for(["cpu"], (queued, there)) is queued
    on_two = snapshots.row(43, device="cuda:2,3")
    assert waits_for(["cuda:3"], (on_two,)) is waits_for(["cuda:0", "cuda:2"], (on_two,)) is on_two
    assert waits_for(["cuda:0", "cuda:1"], (on_two,)) is None
    assert lines_of(there)[3].startswith("~ #42 nightly (esm2_t36_3B_UR50D) is running")


# -- sizes


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_fields_estimate_and_buttons_are_on_the_screen_at_every_size(drive, fasta, size):
    async with drive(size=size) as driven:
        driven.backend.estimates = lambda config: estimate_of()
        driven.backend.last_values = Remembered(values={"model": "esm2-3b", "input": fasta})
        form = await opened(driven)
        await driven.until_text("1,400,000")
        await driven.until(lambda: is_whole(driven, "Model *", "Sequences *", "Start", "Back", "about 171 s"))
        if size[1] >= 24:
            words = ("Precision", "Sample", "Device", "Name", "> More settings", "139 GiB free")
            await driven.until(lambda: is_whole(driven, *words))
            assert form.query_one("VerticalScroll").max_scroll_y == 0


async def test_a_low_screen_holds_the_list_and_scrolls_to_the_field_in_hand(drive):
    async with drive(size=(60, 16)) as driven:
        await opened(driven)
        await driven.until_text("demo-dnabert")
        await driven.until_text("enter take, tab")
        await driven.press("escape", *6 * ["tab"], "enter", *8 * ["tab"])
        await driven.until_text("Gates")
