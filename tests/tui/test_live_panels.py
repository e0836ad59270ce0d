"""The panels of the Live screen as pure functions: baseline column, strip of runs, header, GPU, embeddings."""

from dataclasses import replace

import parts
import pytest
import snapshots

from vp_tui.core.errors import Unavailable
from vp_tui.tui.panels.chart_views import views_of
from vp_tui.tui.panels.gpu import gpu
from vp_tui.tui.panels.header import Silence, elapsed_s, header, runs_strip
from vp_tui.tui.panels.strata import embeddings, strata
from vp_tui.tui.panels.throughput import facts, throughput

IDLE = parts.gpu_sample(utilization=0.0, power_w=75.0)


# -- the baseline


def against(run=None, base=None, width=76, **keys):
    mine, theirs = run or snapshots.passed(), base or snapshots.passed()
    keys = {"accuracy_key": "a", "perf_key": "p"} | keys
    mine = replace(mine, run=replace(mine.run, **keys))
    theirs = replace(theirs, run=replace(theirs.run, id=40, accuracy_key="a", perf_key="p"))
    return strata(mine, width, theirs).plain.splitlines()


def faster(snapshot, factor):
    rows = tuple(replace(row, candidate_tokens_per_s=row.candidate_tokens_per_s * factor) for row in snapshot.strata)
    return replace(snapshot, strata=rows)


def test_the_column_says_equal_where_nothing_changed():
    assert [row.split()[-1] for row in against()[1:]] == ["="] * 4


@pytest.mark.parametrize(
    ("factor", "cell"), [(1.012, "+1%"), (0.96, "-4%"), (0.94, "~-6%"), (3, "+200%"), (1.004, "=")]
)
def test_a_loss_of_speed_beyond_the_usual_is_marked(factor, cell):
    assert against(faster(snapshots.passed(), factor))[1].split()[-1] == cell


def test_a_worst_cosine_that_is_clearly_worse_is_named_beside_the_speed():
    worse = replace(snapshots.passed(), strata=parts.strata(1.0, cosine_min=0.998))
    rows = against(faster(worse, 0.9))
    assert rows[3].endswith("~-10% low")
    assert rows[1].endswith("~-10%")
    assert against(worse)[3].endswith("~lower")


def test_what_cannot_be_compared_is_not_compared():
    slow = faster(replace(snapshots.passed(), strata=parts.strata(1.0, cosine_min=0.998)), 0.5)
    assert against(slow, perf_key="other")[3].endswith("~lower")
    assert against(slow, perf_key="other")[1].endswith(" =")
    assert against(slow, accuracy_key="other")[3].endswith("~-50%")
    assert against(slow, accuracy_key=None, perf_key=None)[3].endswith(" -")


@pytest.mark.parametrize(
    ("width", "has_rate"), [(58, False), (76, False), (78, False), (85, True), (116, True), (118, True)]
)
def test_the_baseline_takes_the_room_of_the_throughput_and_keeps_to_the_width(width, has_rate):
    rows = against(width=width)
    assert (" tok/s" in rows[0], "vs base" in rows[0]) == (has_rate, width >= 75)
    assert max(map(len, rows)) <= width
    assert all(word in rows[0] for word in ("lowest", "margin", "below", "NaN", "Inf"))


# -- several runs


def test_the_strip_says_how_far_each_run_is_where_it_runs_and_what_it_waits_for():
    runs = [one.run for one in snapshots.several()]
    words = runs_strip(runs, 42, 78).plain
    assert words == ">#42 63% cuda:0 | #43 12% cuda:1 | #44 queued, waits for cuda:0"


def test_one_active_run_needs_no_strip():
    assert runs_strip([snapshots.running().run, *snapshots.history()[1:]], 42, 78) is None
    assert runs_strip([], 42, 78) is None


@pytest.mark.parametrize("width", [20, 40, 58, 78, 118])
@pytest.mark.parametrize("shown", [100, 107, 115])
def test_the_strip_keeps_to_its_width_and_counts_those_without_room(width, shown):
    words = runs_strip([parts.row(number) for number in range(100, 116)], shown, width).plain
    assert len(words) <= max(width, len(">#107 63% cuda:0") + 12)
    assert f">#{shown} 63%" in words
    named = words.count("#")
    left, right = (
        int(part) if part.isdigit() else 0 for part in (words.split(" ")[0].lstrip("+"), words.split("+")[-1])
    )
    assert named + left + right == 16


# -- states of a run


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (snapshots.waiting, ["NO RESULT YET", "waiting: another run uses cuda:0"]),
        (snapshots.loading, ["NO RESULT YET", "0%", "loading esm2 in fp16"]),
        (lambda: snapshots.ended("failed", "out of memory"), ["FAILED  out of memory", "no verdict"]),
        (
            lambda: snapshots.ended("cancelled", "stopped on request"),
            ["CANCELLED  stopped", "no verdict"],
        ),
        (lambda: snapshots.ended("interrupted", "the worker is gone"), ["INTERRUPTED  the worker"]),
        (snapshots.passed, ["took 06:43", "PASS  all 10,000", "FASTER  2.05x"]),
        (snapshots.failed_gate, ["FAIL  12 of", "FASTER"]),
    ],
)
def test_the_header_says_how_a_run_stands(made, words):
    text = header(made(), 78).plain
    assert [word for word in words if word not in text] == []
    assert max(map(len, text.splitlines())) <= 2 * 78


@pytest.mark.parametrize("suspect", [None, False, True])
def test_a_clock_that_was_set_during_a_run_gives_no_duration(suspect):
    run = parts.row(ended_at_us=parts.START_US + 60_000_000, clock_suspect=suspect)
    assert elapsed_s(run) == (None if suspect else 60.0)


def test_a_run_is_stalled_after_fifteen_seconds_without_a_word_and_not_by_any_other_clock():
    run, silence = snapshots.running().run, Silence()
    assert not silence.is_silent(run, 100.0)
    assert not silence.is_silent(run, 114.9)
    assert silence.is_silent(run, 115.0)
    assert not silence.is_silent(replace(run, heartbeat_at_us=run.heartbeat_at_us + 1), 116.0)
    assert not silence.is_silent(replace(run, uuid="another"), 132.0)


@pytest.mark.parametrize("changes", [{"status": "completed"}, {"heartbeat_at_us": None}])
def test_a_run_that_has_ended_or_not_begun_is_not_stalled(changes):
    run, silence = replace(snapshots.running().run, **changes), Silence()
    assert not any(silence.is_silent(run, now) for now in (0.0, 100.0))


# -- the GPU outside of a run, the embeddings


def test_a_finished_run_shows_its_last_reading_its_shares_and_the_card_as_it_is_now():
    rows = gpu(snapshots.passed(), IDLE).plain.splitlines()
    assert [row.split()[0] for row in rows] == ["GPU", "SM", "now"]
    assert rows[0].startswith("GPU    last 93%  mean 93%")
    assert rows[-1].startswith("       now 0%")
    assert gpu(snapshots.running(), None).plain.startswith("GPU    util 93%")


def without_gpm(snapshot, reason="no GPM: needs a Hopper GPU or newer"):
    nothing = {"sm_active": None, "tensor_active": None, "dram_active": None}
    gpu = tuple(replace(sample, **nothing) for sample in snapshot.gpu)
    return replace(snapshot, gpu=gpu, environment={**snapshot.environment, "gpm": reason})


def test_the_shares_of_the_chip_stand_below_with_their_means_and_fit_80_columns():
    live = snapshots.running()
    live = replace(live, gpu=(*live.gpu, replace(live.gpu[-1], sm_active=100.0, tensor_active=None, dram_active=0.0)))
    rows = gpu(live, None).plain.splitlines()
    assert rows[1].strip().split("  ") == ["SM active 100%, mean 91%", "tensor -, mean 58%", "DRAM 0%, mean 37%"]
    assert max(map(len, rows)) <= 78
    full = dict.fromkeys(("sm_active", "tensor_active", "dram_active"), 100.0)
    assert len(gpu(replace(live, gpu=(replace(live.gpu[0], **full),)), None).plain.splitlines()[1]) <= 78


def test_the_means_are_those_of_the_encoding_and_loading_and_warm_up_do_not_lower_them():
    live = snapshots.running()
    first = min(block.at_us - block.wall_s * 1e6 for block in live.blocks if not block.is_warmup)
    idle = tuple(
        replace(live.gpu[0], at_us=int(first) - second * 1_000_000, utilization=0.0) for second in range(1, 400)
    )
    assert "mean 93%" in gpu(replace(live, gpu=(*idle, *live.gpu)), None).plain
    assert "not encoding yet" in gpu(replace(live, gpu=(*idle, *live.gpu), blocks=live.blocks[:2]), None).plain


def test_the_shares_give_way_on_a_screen_that_is_too_narrow_for_them():
    assert len(gpu(snapshots.running(), None, 58).plain.splitlines()) == 1


@pytest.mark.parametrize(("width", "is_told"), [(78, False), (116, True)])
def test_without_gpm_the_reason_is_told_where_there_is_room_for_it_in_the_line(width, is_told):
    rows = gpu(without_gpm(snapshots.running()), None, width).plain.splitlines()
    assert len(rows) == 1
    assert rows[0].endswith("no GPM: needs a Hopper GPU or newer") is is_told
    assert len(rows[0]) <= width


def test_a_run_of_an_older_version_has_neither_shares_nor_a_reason():
    old = replace(without_gpm(snapshots.running()), environment={})
    assert len(gpu(old, None, 200).plain.splitlines()) == 1
    assert gpu(old, None, 200).plain.endswith("62 C")


@pytest.mark.parametrize(
    ("others", "words"),
    [(1, "~shared with 1 other process"), (3, "~shared with 3 other processes"), (0, "62 C"), (None, "62 C")],
)
def test_others_on_the_card_are_told_with_a_mark(others, words):
    live = snapshots.running()
    shared = replace(live, gpu=(replace(live.gpu[0], other_processes=others),))
    assert gpu(shared, None).plain.splitlines()[0].endswith(words)


def test_the_share_of_the_peak_is_a_fact_of_the_arms_that_have_one():
    done = snapshots.passed()
    assert "MFU" not in facts(done).plain
    measured = replace(done, arms={**done.arms, "candidate": {**done.arms["candidate"], "mfu": 0.613}})
    (row,) = [row for row in facts(measured).plain.splitlines() if row.startswith("encode")]
    assert row.split("  ")[-1].strip() == "83.5 s, 61% MFU"
    assert row.count("MFU") == 1
    assert len(facts(measured).plain.splitlines()) == len(facts(done).plain.splitlines())


def test_on_the_cpu_the_idle_card_is_shown_once_the_run_has_ended():
    assert gpu(snapshots.on_cpu(), IDLE).plain.startswith("GPU    now 0%")
    assert "this run is on the CPU" in gpu(snapshots.on_cpu(), Unavailable("no driver")).plain


def test_embeddings_that_are_not_measured_say_why():
    assert embeddings(snapshots.running()).plain == "measured after the last sequence"
    assert embeddings(snapshots.passed()).plain == "not measured in this run"
    assert "the run was failed" in embeddings(snapshots.ended()).plain


# -- which charts there are


@pytest.mark.parametrize(
    ("made", "has_gpu"),
    [(snapshots.running, True), (snapshots.passed, True), (snapshots.on_cpu, False), (snapshots.waiting, True)],
)
def test_a_run_without_a_gpu_has_no_chart_of_it(made, has_gpu):
    assert ("gpu" in views_of(made())) is has_gpu
    assert views_of(made())[:3] == ("similarity", "histogram", "throughput")


def test_the_least_speed_is_told_only_where_the_speed_will_be_judged():
    live = snapshots.running()
    assert "min 1.8x" in throughput(live).plain
    assert "min" not in throughput(replace(live, run=replace(live.run, device="cpu"))).plain
    assert "min" not in throughput(snapshots.rolled_back()).plain


# -- the table


@pytest.mark.parametrize("width", [58, 71, 76, 78, 108, 118, 128, 198])
@pytest.mark.parametrize("bad", [0, 7, 9_999_999])
def test_no_two_columns_touch_and_the_table_keeps_to_its_width(width, bad):
    """Marks, many sequences and numbers beyond their limits included."""
    rows = tuple(
        replace(
            stats, n=10_000_000, planned=10_000_000, nan=bad, inf=bad // 2, below=bad, cosine_p01=0.9899999,
            cosine_min=0.98 if bad else 1.0, relative_l2_p99=0.0123, norm_ratio_worst=0.98, speedup=123.4,
            candidate_tokens_per_s=1.2e6, reference_tokens_per_s=1.2e6,
        )
        for stats in snapshots.passed().strata
    )  # fmt: skip
    table = strata(replace(snapshots.passed(), strata=rows), width).plain.splitlines()
    assert max(map(len, table)) <= width
    head, *cells = table
    for two in ("lowest similarity", "1st pct", "FP32 tok/s"):
        head = head.replace(two, two.replace(" ", "_"))
    assert {len(row.split()) for row in cells} == {len(head.split())}


def test_the_lowest_similarity_has_its_margin_beside_it():
    rows = strata(snapshots.passed(), 78).plain.splitlines()
    assert rows[0].split()[-5:] == ["lowest", "similarity", "margin", "tok/s", "speed-up"]
    assert rows[-1].split()[-4:-2] == ["0.9994000", "17x"]
