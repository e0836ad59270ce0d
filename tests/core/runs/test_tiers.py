"""Formats as tiers: which ones a device has, which runs are taken over, and which one is marked."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from stored_runs import ENVIRONMENT, complete

from vp_tui.core.config import RunConfig, emulated_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.events import BlockEncoded, GpuSample
from vp_tui.core.report import tiers as report
from vp_tui.core.report.page import as_text
from vp_tui.core.runs import tiers
from vp_tui.core.store.reader import Reader

H200 = {"device": "cuda:0", "compute_capability": "9.0"}
FACTS = {"model": "m", "input": "i", "sample": 10, "device_name": "d", "torch": "2", "classifier": None}


def snapshot_of(home, run_id):
    with Reader(home) as reader:
        return reader.snapshot(run_id)


def tier(name, *, role="real", verdict="PASS", rate=1000.0, cosine=0.999):
    return tiers.Tier(
        name=name, role=role, run_id=1, run_uuid="u", verdict=verdict, reason=None, cosine_min=cosine,
        centred_min=0.99, neighbours_kept=0.99, label_flips=0.0, tokens_per_s=rate, speedup=None, interval=None,
        tokens_per_joule=None, peak_memory_mib=None, memory_has_reference=False,
    )  # fmt: skip


def test_a_device_has_its_own_formats_and_the_others_emulated():
    assert tiers.names_for(H200)[:5] == ("fp16", "bf16", "tf32", "fp8-ffn", "fp8")
    ampere = tiers.names_for({"device": "cuda:0", "compute_capability": "8.0"})
    assert {"fp8", "fp8-ffn"}.isdisjoint(ampere)
    assert "emulated fp8-ffn" in ampere
    assert tiers.names_for({"device": "cpu"}) == (
        "fp16", "bf16", "emulated fp8-ffn", "emulated fp8", "emulated int8",
    )  # fmt: skip
    assert {*tiers.names_for(H200), *ampere} <= set(tiers.NAMES)
    assert "fp16-acc16" in tiers.NAMES


def test_a_format_is_a_precision_with_or_without_a_plan():
    assert tiers.plan_of("bf16") == ("bf16", None)
    assert tiers.plan_of("fp8-ffn")[0] == "fp16"
    assert tiers.plan_of("emulated nf4") == ("fp32", emulated_plan("nf4"))
    for name in ("fp32", "fp4", "nf4"):
        with pytest.raises(UsageError, match=f"--format '{name}'.*emulated int8"):
            tiers.plan_of(name)


def test_a_run_is_taken_over_until_settings_files_or_versions_change(home, tmp_path):
    path = tmp_path / "x.faa"
    path.write_text(">a\nMK\n")
    shared = RunConfig(model="esm2-8m", input=str(path))
    config = tiers.config_of("fp16", shared, ENVIRONMENT)
    run_id = complete(home, **config.model_dump(include={"model", "input", "tags"}))
    with Reader(home) as reader:

        def found(one):
            row = tiers.done_before(reader, one)
            return None if row is None else row.id

        assert found(tiers.config_of("fp16", shared, ENVIRONMENT)) == run_id
        assert found(tiers.config_of("bf16", shared, ENVIRONMENT)) is None
        assert found(tiers.config_of("fp16", shared.model_copy(update={"sample": 5}), ENVIRONMENT)) is None
        assert found(tiers.config_of("fp16", shared, ENVIRONMENT | {"torch": "2.14.0"})) is None
        path.write_text(">a\nMKK\n")
        assert found(tiers.config_of("fp16", shared, ENVIRONMENT)) is None


def test_a_stopped_run_is_no_result(home, tmp_path):
    path = tmp_path / "x.faa"
    path.write_text(">a\nMK\n")
    config = tiers.config_of("fp16", RunConfig(model="esm2-8m", input=str(path)), ENVIRONMENT)
    run_id = complete(home, stopped="cancelled", **config.model_dump(include={"model", "input", "tags"}))
    with Reader(home) as reader:
        assert tiers.done_before(reader, config) is None
    (only,) = tiers.tiers_of([snapshot_of(home, run_id)])
    assert (only.verdict, only.passes) == (None, False)
    assert only.reason


def test_an_emulated_format_has_no_speed_and_never_is_the_fastest(home):
    plan = emulated_plan("int8")
    run_id = complete(home, precision="fp32", plan=plan)
    found = tiers.tiers_of([snapshot_of(home, run_id)])
    assert [one.role for one in found] == ["reference", "emulated"]
    assert found[1].name == "emulated int8"
    assert (found[1].tokens_per_s, found[1].speedup, found[1].interval) == (None, None, None)
    assert found[1].verdict == "PASS"
    assert not found[1].passes
    assert tiers.fastest(found).role == "reference"


def test_the_fastest_format_that_passes_is_marked():
    found = (
        tier("fp32", role="reference", verdict=None, rate=500.0),
        tier("fp16", rate=1000.0),
        tier("fp8-ffn", verdict="WARN", rate=1300.0),
        tier("fp8", verdict="FAIL", rate=1600.0),
    )
    assert tiers.fastest(found).name == "fp8-ffn"
    document = report.document(found, FACTS)
    assert document["fastest"] == "fp8-ffn"
    assert [one["passes"] for one in document["tiers"]] == [True, True, True, False]
    page = report.page(found, FACTS)
    assert [row[0] for row in page.tables[0].rows] == ["fp32", "fp16", "* fp8-ffn", "fp8"]
    assert page.tables[0].tones == ("", "", "good", "bad")
    assert tiers.fastest(found[:1]).name == "fp32"


def test_emulated_rows_say_so_in_table_document_and_figure():
    found = (tier("fp16"), tier("emulated fp8", role="emulated", rate=None, cosine=0.986))
    assert "emulated fp8" in as_text(report.page(found, FACTS))
    assert report.document(found, FACTS)["tiers"][1]["role"] == "emulated"
    words = [one.text for one in ElementTree.fromstring(report.figure(found, FACTS)).iter() if one.text]
    assert {"emulated fp8", "emulated"} <= set(words)


def test_labels_of_a_classifier_are_in_table_document_and_figure():
    plain = (
        replace(tier("fp32", role="reference", verdict=None), run_id=7),
        replace(tier("fp16"), run_id=7),
        replace(tier("fp8"), run_id=8),
    )
    labels = {7: {"flips": 3, "n": 40, "reason": None}}
    found = tiers.with_labels(plain, labels)
    assert [(one.classifier_flips, one.classified) for one in found] == [(None, None), (3, 40), (None, None)]
    facts = FACTS | {"classifier": {"path": "/a/mine<1>.pth", "sha256": "ab" * 32}}
    (table,) = report.page(found, facts).tables
    column = [one.title for one in table.columns].index("your labels")
    assert [row[column] for row in table.rows] == ["-", "3 of 40", "-"]
    assert len({len(row) for row in table.rows} | {len(table.columns)}) == 1
    assert max(map(len, as_text(report.page(found, facts)).splitlines())) <= 100
    document = report.document(found, facts)
    assert document["classifier"]["sha256"] == "ab" * 32
    assert document["tiers"][1]["classifier_flips"] == 3
    words = [one.text for one in ElementTree.fromstring(report.figure(found, facts)).iter() if one.text]
    assert "3 of 40" in words
    assert [word for word in words if "mine<1>.pth" in word]
    (bare,) = report.page(plain, FACTS).tables
    assert "your labels" not in [one.title for one in bare.columns]
    assert len(bare.columns) == len(bare.rows[0])
    assert "--classifier" in as_text(report.page(plain, FACTS))


def test_the_figure_is_well_formed_whatever_the_names_and_numbers_are():
    found = (tier("<fp16>&", cosine=None), tier("tf32", cosine=1.0), tier("fp8", rate=None, verdict=None))
    svg = report.figure(found, FACTS | {"model": "/a/b<&>"})
    bars = [one for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("rect")]
    assert len(bars) == 4
    assert all(float(one.get("width")) >= 1 for one in bars)


def test_tokens_per_joule_are_of_the_power_while_the_arm_encoded(home):
    snapshot = snapshot_of(home, complete(home, tokens_per_s=1000.0))
    sample = GpuSample(
        at_us=0, utilization=None, memory_used_mib=None, memory_total_mib=None, power_w=None, power_limit_w=None,
        sm_clock_mhz=None, temperature_c=None, throttle_reasons=0,
    )  # fmt: skip
    block = BlockEncoded(
        at_us=10_000_000, block=0, arm="candidate", stratum="short", tokens=100, sequences=1, encode_s=4.0, wall_s=4.0,
        is_warmup=False,
    )  # fmt: skip
    power = {5_000_000: 900.0, 7_000_000: 400.0, 9_000_000: 600.0, 11_000_000: 100.0}
    gpu = tuple(replace(sample, at_us=at, power_w=watts) for at, watts in power.items())
    (*_, found) = tiers.tiers_of([replace(snapshot, blocks=(block,), gpu=gpu)])
    assert found.tokens_per_joule == pytest.approx(found.tokens_per_s / 500)
