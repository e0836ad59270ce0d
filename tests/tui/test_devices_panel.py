"""The devices of a run of several, as rows."""

from dataclasses import replace

from vp_tui.core.store import device_rows
from vp_tui.core.store.device_rows import DeviceRow
from vp_tui.tui.panels.devices import MOST, devices

ROW = DeviceRow(
    name="cuda:0", model="NVIDIA H200", state="works", packs=12, tokens=9_000, tokens_per_s=1_500.0, utilization=97.0
)


def text_of(rows):
    return [line.split() for line in devices(rows).plain.splitlines()]


def test_each_device_has_a_row_and_the_last_one_is_the_total():
    heading, first, second, total = text_of([ROW, replace(ROW, name="cuda:1", packs=8, utilization=None)])
    assert heading == ["device", "util", "tokens/s", "batches", "state"]
    assert first == ["cuda:0", "97%", "1500", "12", "works"]
    assert second == ["cuda:1", "-", "1500", "8", "works"]
    assert total[:3] == ["total", "3000", "20"]


def test_of_many_devices_the_troubled_ones_are_shown_in_their_order():
    rows = [replace(ROW, name=f"cuda:{i}") for i in range(8)]
    rows[5] = replace(rows[5], state="slow")
    rows[7] = replace(rows[7], state="lost: its process has ended")
    shown = [line[0] for line in text_of(rows)[1:-1]]
    assert shown == ["cuda:0", "cuda:1", "cuda:5", "cuda:7"]
    assert len(shown) == MOST


def test_a_lost_device_no_longer_counts_in_the_total_rate():
    *_, total = text_of([ROW, replace(ROW, name="cuda:1", state="lost: no power")])
    assert total[:3] == ["total", "1500", "24"]


def test_after_the_end_no_device_works_any_more():
    rows = [ROW, replace(ROW, name="cuda:1", state="lost: no power")]
    for row in devices(rows, is_over=True).plain.splitlines():
        assert not {"work", "works"} & set(row.split())
    assert text_of(rows)[1][-1] == "works"


def test_rows_are_read_as_they_were_written_and_a_run_of_one_device_has_none(tmp_path):
    assert device_rows.read(tmp_path) == ()
    device_rows.write(tmp_path, [replace(ROW, arms={"candidate": 1.5})])
    assert device_rows.read(tmp_path) == (replace(ROW, arms={"candidate": 1.5}),)
