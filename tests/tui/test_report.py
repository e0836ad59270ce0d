"""The report and the short end of a run as text: what it says, in which order, and that it keeps to its width."""

import json
import re
import shlex
from dataclasses import replace

import pytest
import snapshots
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding
from vp_tui.core.gates.table import BY_ID, GATES
from vp_tui.core.measurements import Measured, as_document
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.tui.runs_text import runs_table
from vp_tui.tui.text import report, summary

LIMITS = Thresholds()
SCOPES = ("short", "medium", "long", "all")


def strata_of(**numbers):
    return {scope: dict(numbers) for scope in SCOPES}


def measured(**changes):
    """A demo-like run: good, with one dimension that holds most of the norm."""
    values = {
        "M1": strata_of(min=0.9995, p01=0.9999, between_cosine=0.9012, needed_centred_cosine=0.8988,
                        failure_bound=0.005),
        "M2": strata_of(min=0.9987, p01=0.9995),
        "M4": strata_of(relative_l2_p99=4e-4, centred_l2_p99=2e-3, spread=2.5, relative_l2_max=6e-4),
        "M5": strata_of(norm_ratio_worst=1.0004, scale_worst=0.9998),
        "S1": {"all": {"overlap": 0.993, "nearest": 1.0}},
        "S5": {"all": {"mean_shift_max": 0.01, "mean_reference": 0.02, "std_reference": 0.31,
                       "mean_candidate": 0.02, "std_candidate": 0.31}},
        "S6": {"all": {"outlier_share_change": 0.0, "rogue_differences": 0.0, "outlier_share_reference": 0.0027,
                       "outlier_share_candidate": 0.0027}},
        "V3": {"all": {"headroom_bits": 4.2}},
        "R1": {"all": {"reference_error_max": 9e-7, "reference_error_p50": 3e-7, "candidate_error_max": 6e-4,
                       "candidate_error_p50": 4e-4}},
        "R4": {"all": {"output_ratio": 1.21, "rounding_ratio_max": 1.34, "systematic_ratio_max": 1.5}},
        "C1": {"all": {"controls": 3.0, "uncaught": 1.0}},
    }  # fmt: skip
    details = {
        "controls": {
            "caught": {"permuted-pairs": ["M1", "S1"], "lost-scale": ["M5", "M5-scale"], "half-signal": []},
            "texts": {
                "permuted-pairs": "Exchanged.",
                "lost-scale": "Smaller.",
                "half-signal": "Halved.",
                "never": "No.",
            },
            "blind": ["M2", "S1-nearest"],
            "impossible": ["never"],
        },
        "dominant_dimension": {"index": 1542, "share": 0.81},
        "headroom": [{"module": f"encoder.layers.{i}", "bits": 9.0 - i, "max_abs": 128.0 * 2**i} for i in range(8)],
        "not_measured": {"R2": "attention runs in padded groups already", "T1": "no oracle"},
    }
    return Measured(values={**values, **changes}, details=details)


def finished(what, *, gates="mission", names=None, base=None):
    """A snapshot as the store gives it back: measures and findings through JSON."""
    base = base or snapshots.passed()
    found = judge.findings(base.strata, what, limits=LIMITS, gates=gates, names=names)
    outcome = judge.verdict(found)
    words = judge.sentence(outcome, found, base.strata, candidate="fp16", reference="fp32", limits=LIMITS)
    return replace(
        base,
        run=replace(base.run, verdict=outcome, sentence=words),
        config={**base.config, "gates": gates, "thresholds": LIMITS.model_dump()},
        measures=json.loads(json.dumps(as_document(what))),
        findings=found,
    )


def flat(text):
    """The words without their line breaks."""
    return " ".join(text.split())


def widest(text):
    return max(map(fmt.columns, text.splitlines()))


def row(text, gate):
    return next(line for line in text.splitlines() if line.startswith(f"{gate} "))


def test_the_verdict_is_first_and_the_sections_follow_in_order():
    text = report(finished(measured()))
    lines = text.splitlines()
    assert lines[0] == "#42 nightly, esm2_t36_3B_UR50D, FP16 against FP32, cuda:0, orfs.fasta.gz"
    assert lines[1].startswith("WARN  1 of 3 negative controls")
    assert next(line for line in lines if line.startswith("FASTER")).startswith("FASTER  2.05x (167k against 81.3k")
    titles = [
        "stratum ", "Findings", "What a similarity of 0.99 means here", "Not measured", "Speed", "Run",
        "Technical details", "Negative controls: the reference,", "Error against FP64", "Tightest modules",
        "Numbers in the embeddings",
    ]  # fmt: skip
    places = [text.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    assert widest(text) <= 79
    assert not any(line != line.rstrip() for line in lines)


def test_it_says_what_a_cosine_limit_means_on_this_set():
    words = flat(report(finished(measured())))
    meaning = words[words.index("What a similarity of 0.99") : words.index("Not measured")]
    assert all(number in meaning for number in ("0.901", "1542", "81%", "0.899"))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"between_cosine": 0.995, "needed_centred_cosine": -1.0}, "M1 cannot fail"),
        ({"between_cosine": 0.01, "needed_centred_cosine": 0.9899}, "M1 is strict here"),
    ],
)
def test_a_set_in_which_all_look_alike_and_one_in_which_none_do_are_told_apart(numbers, said):
    words = flat(report(finished(measured(M1=strata_of(min=0.9995, p01=0.9999, **numbers)))))
    assert said in words


def test_the_reference_is_told_before_the_candidate():
    text = report(finished(measured()))
    assert text.index("fp32: 81.3k tok/s, 171 s encoding") < text.index("fp16: 167k tok/s, 83.5 s encoding")
    base = snapshots.passed()
    turned = replace(base, arms=dict(reversed(base.arms.items())))
    assert report(turned) == report(base)


def test_the_speed_says_what_the_gpu_did_and_how_near_its_peak_each_arm_came():
    base = snapshots.passed()
    arms = {**base.arms, "candidate": {**base.arms["candidate"], "mfu": 0.613}}
    text = flat(report(replace(base, arms=arms)))
    assert "fp16: 167k tok/s (61% of the GPU's nominal peak), 83.5 s encoding" in text
    assert "fp32: 81.3k tok/s, 171 s encoding" in text
    assert "GPU while encoding: utilization 93%, SM active 91%, tensor 58%, DRAM 37%" in text
    assert "clocks are not compared" not in text


def test_without_gpm_the_report_says_why_and_on_a_cpu_nothing_of_a_gpu():
    base = snapshots.passed()
    shares = dict.fromkeys(("sm_active", "tensor_active", "dram_active"))
    old = replace(base, gpu=tuple(replace(one, **shares) for one in base.gpu), environment={"gpm": "no GPM: too old"})
    assert "GPU while encoding: utilization 93%; no GPM: too old" in flat(report(old))
    assert "GPU while encoding" not in report(snapshots.on_cpu())


def test_what_spoiled_the_clocks_is_told_in_the_report():
    base = snapshots.passed()
    why = "1 other process computed on the GPU in 3 of 40 samples"
    spoiled = replace(base, run=replace(base.run, perf_valid=False, perf_invalid_reason=why))
    assert f"Times are excluded from comparisons with other runs: {why} Run model" in flat(report(spoiled))


def test_every_measured_gate_has_its_line_with_limit_and_state():
    text = report(finished(measured()))
    assert row(text, "M4").split() == ["M4", *["0.00040"] * 4, "<=0.01", "pass"]
    assert row(text, "M5").split() == ["M5", *["1.0004"] * 4, "1+-0.005", "pass"]
    assert row(text, "S1").split() == ["S1", "neighbours", "that", "stay", "0.9930", ">=0.98", "(0.95)", "pass"]
    assert row(text, "M2").endswith("blind")
    assert row(text, "C1").endswith("warn")
    assert "M2 lowest centred similarity" in flat(text)
    assert not [line for line in text.splitlines() if line.startswith(("T1 ", "R2 ", "M3 "))]


def test_controls_say_what_was_caught_by_which_gate_and_what_a_blind_one_cannot_see():
    words = flat(report(finished(measured())))
    assert "permuted-pairs: Exchanged. Detected by M1, S1." in words
    assert "half-signal: Halved. DETECTED BY NO GATE." in words
    assert "never: No. Not possible on these embeddings." in words
    assert re.search(rf"M2 is blind here.*{BY_ID['M2'].blind_to}", words)
    # no number of this gate is missing, but it was blind
    assert "S1-nearest is blind here" in words


def test_errors_against_fp64_modules_and_numbers_are_told():
    text = report(finished(measured()))
    words = flat(text)
    assert "fp32 3.0e-07 (worst sequence 9.0e-07), fp16 0.00040 (worst sequence 0.00060)" in words
    assert "fp16 output error: 1.21x" in words
    assert "Worst module: 1.34x" in words
    tightest = re.findall(r"encoder\.layers\.(\d) +([\d.]+) doublings, max (\S+)", text)
    assert tightest[0] == ("7", "2.0", "16.4k")
    assert [int(place) for place, _, _ in tightest] == [7, 6, 5, 4, 3]
    assert re.search(r"fp16 +mean +0\.020 +std +0\.31 +beyond 3 std 0\.27%", text)


def test_what_was_not_measured_is_told_with_its_reason():
    words = flat(report(finished(measured())))
    assert "R2: attention runs in padded groups already" in words
    assert "T1: no oracle" in words
    missing = words[words.index("no numbers: ") : words.index("Speed")]
    assert {"V2", "M3", "M3-p01"} <= set(re.findall(r"[\w-]+", missing))
    # explained by the reason of its measure, or measured
    assert not {"T1-min", "R2", "M1", "M2"} & set(re.findall(r"[\w-]+", missing))


def test_a_finding_names_its_sequence_and_its_meaning_once():
    what = measured(M2={"short": {"min": 0.9}, "long": {"min": 0.8}})
    what = Measured(values=what.values, details={**what.details, "worst": {"M2": {"short": 3, "long": 4}}})
    words = flat(report(finished(what, names="read_{}".format)))
    gate = BY_ID["M2"]
    assert f"below 0.99 (worst: read_3). {gate.meaning} {gate.advice}" in words
    assert re.search(r"Also long: .* below 0\.99 \(worst: read_4\)", words)
    assert words.count(gate.meaning) == 1


def test_the_short_end_has_table_findings_meaning_controls_speed_and_verdict():
    text = summary(finished(measured()))
    words = flat(text)
    parts = [
        "#42 nightly,", "WARN 1 of 3", "FASTER 2.05x", "stratum", "~ C1: 1 of 3", "Next",
        "Two different sequences", "Negative controls: no gate detected half-signal",
    ]  # fmt: skip
    places = [words.index(part) for part in parts]
    assert places == sorted(places)
    assert "Technical details" not in text


def test_the_short_end_says_when_every_control_was_caught():
    what = measured(C1={"all": {"controls": 2.0, "uncaught": 0.0}})
    what.details["controls"]["caught"].pop("half-signal")
    words = flat(summary(finished(what)))
    assert "Negative controls: each of 2 kinds" in words
    safe, fast = words.index("PASS all 10,000 sequences"), words.index("FASTER 2.05x")
    assert safe < fast
    # 1 - 0.9994 is a 17th of what the limit leaves
    assert all(number in words[safe:fast] for number in ("0.9994000", "margin 17x"))


@pytest.mark.parametrize(
    "snapshot",
    [snapshots.passed(), snapshots.failed_gate(), snapshots.on_cpu(), snapshots.running(), snapshots.loading(),
     snapshots.ended(), snapshots.rolled_back()],
    ids=["passed", "failed", "cpu", "running", "loading", "ended", "rolled-back"],
)  # fmt: skip
@pytest.mark.parametrize("say", [report, summary])
def test_runs_without_measures_and_runs_under_way_still_print(snapshot, say):
    text = say(replace(snapshot, measures={}))
    assert text.startswith(f"#{snapshot.run.id} ")
    assert "What a similarity" not in text
    assert "Negative controls" not in text
    if say is report:
        assert widest(text) <= 79
        assert ("\nTechnical details: " in text) == (snapshot.run.verdict is not None)


def test_a_number_beyond_a_limit_the_run_was_not_judged_by_does_not_pass():
    text = report(replace(snapshots.passed(), strata=snapshots.failed_gate().strata))
    assert row(text, "V1").endswith("not judged")
    assert row(text, "M1").endswith("not judged")


def test_the_error_of_a_reference_that_is_not_fp32_is_told():
    base = finished(measured())
    text = report(replace(base, run=replace(base.run, reference="bf16")))
    assert "bf16 3.0e-07" in flat(text)


HOSTILE = "\x1b[2J\u202ered\nname\x07" + "x" * 200 + "\u4e2d" * 60 + "e\u0301" * 50


def test_hostile_names_steer_nothing_and_do_not_widen_the_report():
    what = measured(M2={"short": {"min": 0.9}})
    details = {**what.details, "worst": {"M2": {"short": 0}}}
    details["headroom"] = [{"module": HOSTILE, "bits": 1.0, "max_abs": 3e4}]
    details["not_measured"] = {HOSTILE: HOSTILE}
    details["controls"] = {
        "caught": {HOSTILE: [], "b": [HOSTILE]},
        "texts": {HOSTILE: HOSTILE},
        "impossible": [HOSTILE],
    }
    base = finished(Measured(values=what.values, details=details), names=lambda _row: HOSTILE)
    run = replace(base.run, name=HOSTILE, model=HOSTILE, input=HOSTILE, precision_reason=HOSTILE)
    hostile = replace(base, run=run, speedup={"reason": HOSTILE})
    text = report(hostile)
    assert not set(text + summary(hostile)) & set("\x1b\x07\u202e\r")
    assert widest(text) <= 79


TOLD = [
    ("M1", "between_cosine"),
    ("M1", "needed_centred_cosine"),
    ("M1", "failure_bound"),
    ("R1", "candidate_error_p50"),
    ("R1", "reference_error_p50"),
    ("S5", "mean_reference"),
    ("S6", "outlier_share_reference"),
]
ANY = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-2, 2)


@given(st.lists(ANY, min_size=11, max_size=11), st.sampled_from(["mission", "strict"]))
def test_no_numbers_whatever_break_the_report_or_its_width(numbers, gates):
    names = sorted({(gate.measure, name) for gate in GATES for name in gate.names} | set(TOLD))
    values = {}
    # 11 numbers, and more names than that with four scopes each: no two gates see the same ones in the same places
    for place, (measure, name) in enumerate(names):
        for shift, scope in enumerate(SCOPES):
            values.setdefault(measure, {}).setdefault(scope, {})[name] = numbers[(place + 3 * shift) % len(numbers)]
    text = report(finished(Measured(values=values), gates=gates))
    assert widest(text) <= 79
    assert "None" not in text


def test_a_finding_of_an_unknown_gate_is_printed_as_it_is():
    finding = Finding(gate="Z9", severity="fail", stratum=None, text="from a newer version")
    assert "! Z9: from a newer version" in report(replace(snapshots.passed(), findings=(finding,)))


@pytest.mark.parametrize(
    ("value", "style", "cell"),
    [
        (None, "cosine", "-"),
        (0.0, "error", "0"),
        (0.98999999, "cosine", "0.9900000"),
        (-1.0, "cosine", "-1.000000"),
        (1e300, "cosine", "1.0e+300"),
        (3.9e-4, "error", "0.00039"),
        (1.00049, "ratio", "1.0005"),
        (12345.6, "ratio", "1.2e+04"),
        (2.44, "bits", "2.4"),
        (12.0, "count", "12"),
    ],
)
def test_a_measure_keeps_to_a_cell_of_nine_characters(value, style, cell):
    assert fmt.measure(value, style) == cell
    assert len(cell) <= 9


@given(st.text(max_size=60), st.integers(10, 30))
def test_wrapped_text_keeps_all_characters_and_its_width(text, width):
    lines = fmt.wrap(fmt.safe(text), width, first="- ", rest="  ")
    assert all(fmt.columns(line) <= width for line in lines)
    assert "".join("".join(line[2:] for line in lines).split()) == "".join(fmt.safe(text).split())
    assert lines[0].startswith("- ")


def test_wide_characters_count_twice_and_combining_ones_not_at_all():
    assert [fmt.columns(text) for text in ("abc", "\u4e2d", "e\u0301", "")] == [3, 2, 1, 0]
    assert fmt.wrap("\u4e2d\u4e2d\u4e2d a", 5) == ["\u4e2d\u4e2d", "\u4e2d a"]


def test_ten_million_sequences_keep_to_the_width_of_the_table():
    base = snapshots.running()
    many = tuple(
        replace(one, n=6_298_000, planned=10_000_000, below=10_000_000, nan=70_000, inf=0) for one in base.strata
    )
    text = report(replace(base, strata=many))
    assert " 6.3M/10M " in text
    assert "  70k    0  9.9M " in text
    assert widest(text) <= 79


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_table_of_runs_keeps_to_a_terminal_and_its_numbers_stay_whole(width):
    runs = [replace(run, name="a name of some length", cosine_min=0.9999982) for run in snapshots.history()]
    lines = runs_table(runs, width).splitlines()
    assert max(map(len, lines)) <= width
    assert all("0.9999982" in line for line in lines[1:])
    assert "model" in runs_table(runs)


def test_the_titles_of_all_gates_on_the_whole_set_begin_in_one_column():
    base = measured()
    noise = Measured(values={**base.values, "R3": {"all": {"candidate_noise_ratio": 0.1}}}, details=base.details)
    text = report(finished(noise))
    titles = [BY_ID[name].title for name in ("S1", "C1", "R3-candidate")]
    assert (
        len({row(text, name).index(title) for name, title in zip(("S1", "C1", "R3-candidate"), titles, strict=True)})
        == 1
    )


def test_the_next_command_is_one_line_to_be_copied():
    base = snapshots.on_cpu()
    long = replace(base, config={**base.config, "model": "/data/" + "a" * 90, "input": "/data/b c.faa"}, findings=())
    commands = [line.strip() for line in summary(long).splitlines() if "vp-tui run" in line]
    assert [shlex.split(one)[:6] for one in commands] == [
        ["vp-tui", "run", "-m", "/data/" + "a" * 90, "-i", "/data/b c.faa"]
    ]
