"""The run as a stream of events, in this process: order of the arms, schedules, what streams when."""

import logging

import pytest
import torch
from records import gpu_sample

from samples import PROTEINS, READS
from vp_tui.core.config import RunConfig
from vp_tui.core.engine import memory
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.errors import ResourceError, Unavailable, UsageError
from vp_tui.core.events import BlockCompared, BlockEncoded, PhaseChanged, Progress, RunFinished, RunPlanned
from vp_tui.core.models import linear
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.store import kept_blocks
from vp_tui.core.store.references import read_embeddings
from vp_tui.core.verdict.judge import UNPROVED
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.course import Course
from vp_tui.core.workers.validate.faulty_run import encoders_of
from vp_tui.core.workers.validate.run import _log_handler, plain_encoders
from vp_tui.core.workers.validate.throughput import CLOCK_SHARE
from vp_tui.core.workers.validate.validation import Place, Setting, validate


@pytest.fixture
def validation(made_checkpoint, tmp_path):
    """validation(**config) -> the events of a run on the CPU; without an oracle, unless asked for."""

    def made(**more):
        config = RunConfig(**{"model": str(made_checkpoint()), "input": str(PROTEINS), "oracle": 0} | more)
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        place = Place(run_uuid="0" * 32, folder=folder, cache=tmp_path / "cache")
        sampler = Sampler(None, pytest.fail)
        return validate(
            Setting(
                config=config,
                place=place,
                device=torch.device("cpu"),
                device_reason="asked for",
                sampler=sampler,
                encoders=(encoders_of if config.fault else plain_encoders)(config),
                course=Course(has_oracle=config.oracle > 0),
            )
        )

    return made


@pytest.fixture
def events_of(validation):
    """events_of(**config) -> every event of it."""
    return lambda **config: list(validation(**config))


def timed(events):
    return [event for event in events if isinstance(event, BlockEncoded) and not event.is_warmup]


def test_both_arms_encode_the_same_blocks_in_abba_order(events_of):
    blocks = timed(events_of())
    pairs = list(zip(blocks[::2], blocks[1::2], strict=True))
    assert len(pairs) > 3
    for index, (first, second) in enumerate(pairs):
        assert first.block == second.block == index
        assert (first.tokens, first.sequences) == (second.tokens, second.sequences)
        assert first.arm == ("reference" if index % 2 == 0 else "candidate")
        assert {first.arm, second.arm} == {"reference", "candidate"}


def test_similarity_streams_from_the_first_block_on(events_of):
    events = events_of()
    begin = next(place for place, one in enumerate(events) if getattr(one, "phase", "") == "encoding")
    kinds = [type(event) for event in events[begin + 2 :]]
    assert kinds.index(BlockCompared) < kinds.index(Progress) + 4
    assert kinds.count(BlockCompared) * 2 == len(timed(events_of(fp32_compare=True)))


def test_every_stratum_has_a_number_after_three_blocks(events_of):
    compared = [event for event in events_of() if isinstance(event, BlockCompared)]
    assert {event.stratum for event in compared[:3]} == {"short", "medium", "long"}


def test_without_room_for_both_arms_the_reference_goes_first_and_the_numbers_are_the_same(events_of, monkeypatch):
    together = events_of()
    budget = 1_100
    plenty = memory.free_memory(torch.device("cpu"))
    # Room for one arm: the residency test sees little, the budget is given, so nothing else looks.
    monkeypatch.setattr(memory, "free_memory", lambda device: 1_000)
    apart = events_of(fp32_compare=True, token_budget=budget)
    assert plenty > 1_000
    order = [event.arm for event in timed(apart)]
    assert order == sorted(order, reverse=True), "all of the reference, then all of the candidate"
    # The same data in other packs: FP16 noise of the tiny model moves 1 - cosine by far less than this.
    first, second = together[-1].strata[-1], apart[-1].strata[-1]
    assert second.cosine_min == pytest.approx(first.cosine_min, abs=1e-6)


def test_the_events_come_in_the_order_the_contract_names(events_of):
    events = events_of()
    kinds = [type(event) for event in events]
    assert kinds[0] is PhaseChanged
    assert kinds.count(RunPlanned) == kinds.count(RunFinished) == 1
    assert kinds[-1] is RunFinished
    assert kinds.index(RunPlanned) < kinds.index(BlockEncoded) < kinds.index(BlockCompared)


def test_progress_never_goes_back_and_ends_at_the_total(events_of):
    done = [event.done for event in events_of() if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 40


@pytest.mark.parametrize("schedule", ["together", "reference first", "stored reference"])
@pytest.mark.parametrize("oracle", [0, 6])
def test_the_fraction_of_all_steps_never_falls_and_is_1_only_at_the_end(events_of, monkeypatch, schedule, oracle):
    if schedule == "stored reference":
        events_of()
    if schedule == "reference first":
        monkeypatch.setattr(memory, "free_memory", lambda device: 1_000)
    events = [one for one in events_of(oracle=oracle, token_budget=1_100) if isinstance(one, Progress)]
    fractions, steps = [one.fraction for one in events], [one.step for one in events]
    assert fractions == sorted(fractions)
    assert [one for one in fractions if one == 1.0] == fractions[-1:]
    assert steps == sorted(steps)
    # every step is entered, and a reference that goes first has its own
    own = {"together": 0, "stored reference": 0, "reference first": 3 if oracle else 2}[schedule]
    assert set(steps) == set(range(1, events[-1].steps + 1))
    assert events[-1].steps == (6 if oracle else 4) + own


def test_the_warm_up_is_not_part_of_the_rates(events_of):
    events = events_of()
    finished = events[-1]
    warming = {(event.arm, event.stratum) for event in events if isinstance(event, BlockEncoded) and event.is_warmup}
    assert len(warming) == 6, "every stratum in both arms"
    for arm in ("reference", "candidate"):
        seconds = sum(event.encode_s for event in timed(events) if event.arm == arm)
        tokens = sum(event.tokens for event in timed(events) if event.arm == arm)
        assert finished.arms[arm].seconds == pytest.approx(seconds)
        assert finished.arms[arm].tokens_per_s == pytest.approx(tokens / seconds)
        assert finished.arms[arm].end_to_end_seconds > seconds


def test_a_run_whose_end_to_end_time_is_less_than_its_encoding_says_that_its_times_are_wrong(events_of, monkeypatch):
    assert events_of()[-1].perf_invalid_reason is None
    keep = ArmRunner.keep

    def fast(arm, block, *rest):
        event = keep(arm, block, *rest)
        if arm.arm == "candidate" and block.index == 2:
            # just beyond what clocks may differ by: the whole run, with reading and storing, is still in order
            arm.wall_s[2] = (1 - 2 * CLOCK_SHARE) * arm.encode_s[2]
        return event

    monkeypatch.setattr(ArmRunner, "keep", fast)
    finished = events_of(fp32_compare=True)[-1]
    assert finished.perf_valid is False
    assert "in blocks 2 to 2" in finished.perf_invalid_reason
    assert finished.speedup.verdict == "NOT JUDGED"
    assert finished.perf_invalid_reason in finished.speedup.reason


def test_a_damaged_stored_reference_is_told_and_made_anew(events_of, tmp_path):
    events_of()
    (stored,) = (tmp_path / "cache" / "references").iterdir()
    stored.write_bytes(b"no safetensors")
    events = events_of()
    assert [event for event in events if getattr(event, "kind", "") == "reference"]
    assert len({event.arm for event in timed(events)}) == 2


def given_up(events, after):
    """Close the generator, as a stopped run does, when `after` blocks were compared; return what was compared."""
    compared = []
    for event in events:
        if isinstance(event, BlockCompared):
            compared.append(event)
            if len(compared) == after:
                break
    events.close()
    return compared


def test_a_run_that_is_given_up_leaves_nothing_but_its_finished_blocks(validation, tmp_path):
    given_up(validation(), after=1)
    (kept,) = (tmp_path / "run").iterdir()
    assert [stretch.arm for stretch in kept_blocks.read(kept)] == ["reference", "candidate"]


def without_times(measures):
    """Return what `measures` and strata hold but the times of this run."""
    return {name: value for name, value in measures.items() if name not in {"P1", "details"}}


@pytest.mark.parametrize("room", [None, 1_000], ids=["both arms resident", "one after the other"])
def test_a_resumed_run_equals_one_that_was_not_interrupted_to_the_last_digit(validation, tmp_path, monkeypatch, room):
    monkeypatch.setattr(linear, "_settled", {})
    if room is not None:
        monkeypatch.setattr(memory, "free_memory", lambda device: room)
    config = {"token_budget": 1_100, "fp32_compare": True, "oracle": 2}
    whole = list(validation(**config))
    folder = tmp_path / "run"
    expected = {path.name: read_embeddings(path).tobytes() for path in folder.glob("*.safetensors")}
    for path in folder.iterdir():
        path.unlink()
    # interrupted twice: the second part takes over the first, and is taken over with it
    seen = given_up(validation(**config), after=2)
    seen += given_up(validation(**config), after=5)[2:]
    assert len(list(folder.glob(kept_blocks.PATTERN))) == 2
    resumed = list(validation(**config))
    taken = [event for event in resumed if getattr(event, "kind", "") == "resume"]
    assert len(taken) == 1
    assert taken[0].severity == "info"
    assert {path.name: read_embeddings(path).tobytes() for path in folder.glob("*.safetensors")} == expected
    assert not list(folder.glob(kept_blocks.PATTERN)), "a completed run keeps no blocks"
    rows = [
        {row for event in run if isinstance(event, BlockCompared) for row in event.results} for run in (whole, resumed)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 40
    first, second = whole[-1], resumed[-1]
    assert (first.verdict, without_times(first.measures)) == (second.verdict, without_times(second.measures))
    times = [{(one.arm, one.block) for one in timed(run)} for run in (whole, resumed)]
    assert times[0] == times[1]
    assert second.arms["candidate"].seconds == pytest.approx(
        sum(one.encode_s for one in timed(resumed) if one.arm == "candidate")
    )


def test_blocks_of_other_data_and_damaged_blocks_are_told_and_encoded_again(validation, tmp_path, monkeypatch):
    monkeypatch.setattr(linear, "_settled", {})
    given_up(validation(), after=2)
    (kept,) = (tmp_path / "run").iterdir()
    kept.with_name("kept-000001.npz").write_bytes(kept.read_bytes()[:-100])
    events = list(validation(seed=1, sample=20))
    told = [event.severity for event in events if getattr(event, "kind", "") == "resume"]
    assert told == ["warn", "warn"]
    assert events[-1].strata[-1].n == 20


@pytest.mark.parametrize(
    ("device", "reading", "warnings"),
    [("auto", gpu_sample(), ["gpu"]), ("cpu", gpu_sample(), []), ("auto", Unavailable("no driver"), [])],
)
def test_a_cpu_that_nobody_asked_for_on_a_machine_with_a_gpu_is_a_warning(
    validation, monkeypatch, device, reading, warnings
):
    monkeypatch.setattr("vp_tui.core.workers.validate.plan.read_once", lambda: reading)
    events = validation(device=device)
    told = []
    for event in events:
        if isinstance(event, RunPlanned):
            break
        told += [event.kind] if getattr(event, "severity", "") == "warn" else []
    events.close()
    assert told == warnings


def test_a_full_disk_ends_the_run_before_a_model_is_loaded(validation, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    phases = []
    with pytest.raises(ResourceError, match="40 sequences"):
        phases.extend(event.phase for event in validation() if isinstance(event, PhaseChanged))
    assert set(phases) == {"reading"}


def test_the_dominant_dimension_of_the_reference_is_reported(events_of):
    share = events_of()[-1].measures["details"]["dominant_dimension"]["share"]
    # The demo checkpoint is built to hold about 80 % in one dimension, as real ESM-2 3B does.
    assert 0.6 < share < 0.95


def test_every_run_says_which_attention_kernel_each_arm_has_and_why_not_the_others(events_of):
    events = events_of()
    planned = next(event for event in events if isinstance(event, RunPlanned))
    assert planned.environment["attention"] == {"reference": "sdpa", "candidate": "sdpa"}
    for arm in events[-1].arms.values():
        assert arm.attention_kernel == "sdpa"
        assert all(f"not {name}: " in arm.attention_reason for name in ("flash", "varlen", "flex"))


def test_an_impossible_attention_kernel_ends_the_run_before_the_sequences_are_read(events_of):
    with pytest.raises(UsageError, match="--attention flash cannot be used in float16 on cpu"):
        events_of(attention="flash")


def test_a_16_bit_kernel_binds_neither_the_reference_nor_a_candidate_put_back_to_fp32(events_of):
    events = events_of(
        attention="varlen", precision="fp32", precision_requested="fp16", precision_reason="switched off"
    )
    assert all(
        "--attention varlen applies to 16-bit precisions only" in arm.attention_reason
        for arm in events[-1].arms.values()
    )


def test_a_stored_reference_of_another_attention_kernel_does_not_fit(events_of, monkeypatch):
    events_of()
    again = next(event for event in events_of() if isinstance(event, RunFinished))
    assert again.arms["reference"].cached
    monkeypatch.setattr(SdpaAttention, "name", "another")
    other = next(event for event in events_of() if isinstance(event, RunFinished))
    assert not other.arms["reference"].cached


def test_the_sample_is_looked_into_once_and_a_stored_reference_keeps_its_noise(events_of):
    ends = [events_of(oracle=6)[-1] for _ in range(2)]
    first, second = (end.measures for end in ends)
    assert UNPROVED not in ends[0].sentence
    assert {"T1", "V2", "V3", "V4", "R1", "R3", "R4"} <= first.keys()
    assert (first["details"]["oracle"]["cached"], second["details"]["oracle"]["cached"]) == (False, True)
    assert first["R3"]["all"]["reference_noise"] == second["R3"]["all"]["reference_noise"] is not None
    assert first["R1"] == second["R1"]


def test_a_run_that_is_told_not_to_look_says_what_it_did_not_measure(events_of):
    finished = events_of()[-1]
    found = finished.measures
    assert finished.sentence.endswith(UNPROVED)
    assert not {"T1", "R1"} & found.keys()
    assert "--no-oracle" in found["details"]["not_measured"]["R1"]


def test_without_room_for_both_arms_the_noise_of_the_reference_is_measured_before_it_goes(events_of, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 1_000)
    found = events_of(oracle=6, token_budget=1_100)[-1].measures
    assert found["R3"]["all"]["reference_noise"] is not None
    assert found["R1"]["all"]["reference_error_max"] < 1e-5


def test_an_injected_fault_is_on_record_and_one_that_the_model_cannot_have_is_refused(events_of, made_dnabert):
    notes = [event.message for event in events_of(fault="eos-in-mean") if getattr(event, "kind", "") == "model"]
    assert any("eos-in-mean" in note for note in notes)
    with pytest.raises(UsageError, match="half-angles"):
        events_of(model=str(made_dnabert), input=str(READS), fault="half-angles")


def test_an_ordinary_worker_refuses_a_run_with_a_fault():
    with pytest.raises(UsageError, match="tanh-gelu"):
        plain_encoders(RunConfig(model="m", input="i", fault="tanh-gelu"))


def test_a_run_of_sequences_that_were_not_read_right_warns_and_is_no_pass(events_of, tmp_path):
    path = tmp_path / "unknown.fasta"
    path.write_text("".join(f">p{i}\n{'MKTAYIAKQRQISFVKSHFSRQLEERLG'[: 18 + i % 9]}JJ\n" for i in range(40)))
    finished = events_of(input=str(path))[-1]
    assert (finished.verdict, finished.measures["I1"]["all"]["unknown_share"] > 0.01) == ("WARN", True)
    (finding,) = [one for one in finished.findings if one.severity != "info"]
    assert (finding.gate, finding.severity, finding.limit) == ("I1", "warn", 0.01)


def test_a_cache_that_cannot_be_written_costs_the_run_a_note_and_not_its_verdict(events_of, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "references").write_text("a file where the folder should be")
    events = events_of(sample=6)
    assert [event.kind for event in events if getattr(event, "kind", "") == "store"] == ["store"]
    assert events[-1].verdict in {"PASS", "WARN"}


STEERING = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eback"


def test_control_characters_of_names_reach_neither_the_log_of_a_run_nor_an_error_line(call):
    handler = _log_handler()
    line = handler.format(logging.LogRecord("vp_tui.run", logging.ERROR, "", 0, "no %s\nnext", (STEERING,), None))
    code, _, told = call("show", STEERING)
    assert code != 0
    for text in (line, told.removesuffix("\n")):
        assert text.isprintable()
        assert "red" in text
