"""What a picture keeps of a run that is longer than any screen."""

import pytest
from records import alert, compared, encoded, gpu_sample

from vp_tui.core.events import RunStopped
from vp_tui.core.store import upkeep

MOST = 8


def blocks(first, number):
    for block in range(first, first + number):
        for arm, seconds in (("reference", 0.5), ("candidate", 0.25)):
            yield encoded(at_us=block, block=block, arm=arm, encode_s=seconds, wall_s=2 * seconds)


def similarities(first, number, **changes):
    for block in range(first, first + number):
        yield compared(at_us=block, block=block, **{"cosine_min": 0.999 - block * 1e-6, "results": ()} | changes)


def gpus(first, number):
    return (gpu_sample(at_us=at, utilization=float(at)) for at in range(first, first + number))


@pytest.fixture
def parts(started, write, reader):
    """parts(events of the first part, of the second, ..) -> the snapshots after each, read one from the other."""

    def read_each(*each):
        run_id, found = started(), [None]
        for events in each:
            write(run_id, *events)
            found.append(reader.snapshot(run_id, since=found[-1], most=MOST))
        return found[1:], reader.snapshot(run_id)

    return read_each


def test_a_run_that_fits_is_kept_row_by_row(parts):
    found, whole = parts([*blocks(0, 4), *similarities(0, 4), *gpus(0, 4), alert()])
    assert found[0] == whole


@pytest.mark.parametrize("sizes", [(100,), (3, 97), (40, 1, 1, 1, 57), (7,) * 14 + (2,)])
def test_a_long_run_keeps_every_sequence_token_and_second_in_few_blocks(parts, sizes):
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    found, whole = parts(*(list(blocks(*part)) for part in zip(starts, sizes, strict=True)))
    assert all(len(one.blocks) <= 2 * MOST for one in found)
    last = found[-1].blocks
    for name in ("sequences", "tokens", "encode_s", "wall_s"):
        for arm in ("reference", "candidate"):
            kept, every = ([getattr(one, name) for one in of if one.arm == arm] for of in (last, whole.blocks))
            assert sum(kept) == pytest.approx(sum(every)), (name, arm)
    assert next(one.tokens / one.encode_s for one in last if one.arm == "candidate") == 2000.0
    assert last[-1].block == 99


@pytest.mark.parametrize("step", [1, 7, 33, 100])
def test_reading_on_gives_what_reading_at_once_gives(parts, step):
    found, whole = parts(*([*similarities(at, min(step, 100 - at))] for at in range(0, 100, step)))
    stride = found[-1].positions["similarity"].stride
    assert 4 < len(found[-1].similarity) <= 2 * MOST
    # ids begin at 1, so the first range is one row short
    by_range = [whole.similarity[max(0, at - 1) : at - 1 + stride] for at in range(0, 101, stride)]
    assert [one.cosine_min for one in found[-1].similarity] == [
        min(point.cosine_min for point in points) for points in by_range if points
    ]


def test_the_worst_similarity_is_never_lost_and_a_broken_block_breaks_its_range(parts):
    events = [*similarities(0, 50), *similarities(50, 1, cosine_min=0.1), *similarities(51, 20)]
    broken = similarities(71, 1, cosine_min=None)
    found, _ = parts([*events, *broken, *similarities(72, 28)])
    kept = [one.cosine_min for one in found[0].similarity]
    assert min(one for one in kept if one is not None) == 0.1
    assert kept.count(None) == 1


def test_warm_up_strata_and_arms_are_never_put_together(parts):
    events = [encoded(at_us=0, is_warmup=True), *blocks(0, 50), encoded(at_us=60, stratum="long", encode_s=9.0)]
    found, _ = parts(events)
    kinds = {(one.arm, one.stratum, bool(one.is_warmup)) for one in found[0].blocks}
    assert kinds == {
        ("reference", "short", True), ("reference", "short", False), ("candidate", "short", False),
        ("reference", "long", False),
    }  # fmt: skip
    assert [one.encode_s for one in found[0].blocks if one.stratum == "long"] == [9.0]


def test_readings_of_the_gpu_stay_as_they_were_read_and_the_newest_is_the_last(parts):
    found, whole = parts([*gpus(0, 50)], [*gpus(50, 1)], [*gpus(51, 40)])
    for one, newest in zip(found, (49, 50, 90), strict=True):
        assert one.gpu[-1].at_us == newest
        assert len(one.gpu) <= 2 * MOST
        assert set(one.gpu) <= set(whole.gpu)


def test_the_newest_alerts_are_kept_and_the_run_says_how_many_there_are(parts):
    words = [alert(message=str(number)) for number in range(30)]
    found, _ = parts(words[:3], words[3:29], words[29:])
    assert [[one.message for one in each.alerts] for each in found] == [
        ["0", "1", "2"], [str(number) for number in range(21, 29)], [str(number) for number in range(22, 30)],
    ]  # fmt: skip
    assert found[-1].run.num_alerts == 30


def test_records_that_changed_no_more_are_the_same_objects(parts):
    found, _ = parts([*blocks(0, 30)], [*blocks(30, 1)])
    assert found[1].blocks[0] is found[0].blocks[0]


def test_a_new_run_with_the_number_of_a_deleted_one_starts_afresh(home, started, write, reader):
    first = started()
    write(first, encoded(block=1), alert())
    old = reader.snapshot(first, most=MOST)
    write(first, RunStopped(at_us=9, status="cancelled", reason="x", exit_code=130))
    upkeep.delete_run(home, first)
    second = started()
    assert second == first
    write(second, encoded(block=5))
    assert reader.snapshot(second, since=old, most=MOST) == reader.snapshot(second)
