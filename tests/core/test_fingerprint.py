from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core import fingerprint
from vp_tui.core.measures.pairs import PairMeasures
from vp_tui.core.report.inputs import METRIC_OF
from vp_tui.core.store import pairs

RECORD = {
    "config": {"precision": "fp16", "reference": "fp32", "name": "nightly", "token_budget": 4096, "seed": 3},
    "dataset": {"sha256": "da" * 32, "path": "/data/reads.faa", "cuts": [64, 128], "tokenizer": "esm2", "n": 30},
    "model": {"weights_sha256": "ea" * 32, "pooling": "residues", "max_residues": 1022, "given": "./esm2"},
    "environment": {
        "torch": "2.13.0+cu130",
        "cuda": "13.0",
        "driver": "580.95.05",
        "power_limit_w": 700.0,
        "device": "cuda:0",
        "device_name": "NVIDIA H200",
        "gpu_uuid": "0a1b",
        "compute_capability": "9.0",
        "threads": 16,
        "token_budget": 4096,
        "vp_tui": "0.1.0",
        "os": "Linux",
        "attention": {"reference": "sdpa", "candidate": "flash"},
        "flags": {"reference": {"cuda_matmul": "ieee"}, "candidate": {"cuda_matmul": "ieee"}},
        "schedule": "both arms resident, ABBA",
    },
}
ACCURACY = {
    ("model", "weights_sha256"): "eb" * 32,
    ("model", "pooling"): "all_tokens",
    ("dataset", "sha256"): "db" * 32,
    ("dataset", "cuts"): [64, 129],
    ("dataset", "tokenizer"): "other",
    ("config", "precision"): "bf16",
    ("config", "reference"): "tf32",
    ("environment", "attention"): {"reference": "sdpa", "candidate": "flex"},
    ("environment", "flags"): {"reference": {"cuda_matmul": "tf32"}, "candidate": {}},
    ("environment", "torch"): "2.14.0+cu130",
    ("environment", "compute_capability"): "8.0",
    ("environment", "device"): "cpu",
}
PERFORMANCE_ONLY = {
    ("environment", "torch"): "2.13.1+cu130",
    ("environment", "driver"): "590.0",
    ("environment", "cuda"): "13.1",
    ("environment", "power_limit_w"): 600.0,
    ("environment", "device_name"): "NVIDIA H100",
    ("environment", "transformers"): "5.1",
    ("environment", "schedule"): "reference first, then candidate",
}
VOLATILE = {
    ("config", "name"): "other",
    ("config", "token_budget"): 256,
    ("config", "seed"): 4,
    ("dataset", "path"): "/elsewhere.faa",
    ("model", "given"): "esm2-8m",
    ("environment", "token_budget"): 256,
    ("environment", "vp_tui"): "0.2.0",
    ("environment", "gpu_uuid"): "ffff",
    ("environment", "device"): "cuda:1",
    ("environment", "os"): "Linux 7",
    ("environment", "threads"): 2,
    ("environment", "temperature_c"): 91.0,
    ("environment", "free_memory"): 5,
}


def keys(changes=None):
    record = {part: dict(facts) for part, facts in RECORD.items()}
    for (part, name), value in (changes or {}).items():
        record[part][name] = value
    return fingerprint.key_of(fingerprint.accuracy_facts(**record)), fingerprint.key_of(
        fingerprint.perf_facts(**record)
    )


@pytest.mark.parametrize("fact", ACCURACY, ids=".".join)
def test_what_decides_the_numbers_changes_both_keys(fact):
    changed, plain = keys({fact: ACCURACY[fact]}), keys()
    assert changed[0] != plain[0]
    assert changed[1] != plain[1]


@pytest.mark.parametrize("fact", PERFORMANCE_ONLY, ids=".".join)
def test_what_decides_only_the_clocks_changes_only_their_key(fact):
    changed, plain = keys({fact: PERFORMANCE_ONLY[fact]}), keys()
    assert changed[0] == plain[0]
    assert changed[1] != plain[1]


@pytest.mark.parametrize("fact", VOLATILE, ids=".".join)
def test_what_changes_from_run_to_run_changes_no_key(fact):
    assert keys({fact: VOLATILE[fact]}) == keys()


def test_on_a_cpu_its_name_and_threads_decide_the_clocks():
    cpu = {("environment", "device"): "cpu", ("environment", "device_name"): "EPYC"}
    plain = keys(cpu)
    for name, value in (("threads", 8), ("device_name", "Xeon")):
        changed = keys(cpu | {("environment", name): value})
        assert (changed[0], changed[1] == plain[1]) == (plain[0], False)
    assert keys(cpu | {("environment", "driver"): "1"}) == plain


@pytest.mark.parametrize("fact", [("model", "weights_sha256"), ("dataset", "sha256")], ids=".".join)
def test_a_run_of_unknown_weights_or_data_is_comparable_to_nothing(fact):
    assert keys({fact: None}) == (None, None)
    assert keys({fact: ""}) == (None, None)


def test_differing_facts_are_named_with_both_values():
    a = fingerprint.perf_facts(**RECORD)
    b = a | {"driver": "590.0", "new": 1}
    del b["cuda"]
    assert fingerprint.differences(a, b) == {"cuda": ("13.0", None), "driver": ("580.95.05", "590.0"), "new": (None, 1)}
    assert fingerprint.differences(a, dict(a)) == {}


def test_a_nan_is_never_hashed():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint.hash_of({"power_limit_w": float("nan")})


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_the_order_in_which_facts_are_found_does_not_matter(facts):
    shuffled = dict(reversed(facts.items()))
    assert fingerprint.hash_of(facts) == fingerprint.hash_of(shuffled)
    assert fingerprint.differences(facts, shuffled) == {}


def test_the_key_of_today_is_the_key_of_tomorrow():
    """A change here makes every stored run incomparable with every new one: raise METRICS_VERSION and say why."""
    assert keys() == (
        "95e2eb8294d714a7a7493d700fe4eae6b77669aa6caa09d7e6393a21a7084eb6",
        "0256742cb1f9e3d2c215f12e3e2dc094659d5abf6df4a7ecc48872722f0e0eda",
    )


def test_no_number_that_is_estimated_from_a_sample_is_compared_between_runs():
    """The reason why METRICS_VERSION was left at 1 when M6's percentiles and S5's distances became estimates."""
    compared = {name for name, _ in METRIC_OF.values()}
    assert not {name for name in compared if name.startswith(("M6.", "S5."))}
    # What sequences are paired with are numbers of the sequence alone.
    measured = {field.name for field in fields(PairMeasures)}
    assert {field.name for field in fields(pairs.RunSequences)} == {"nonfinite_S"} | measured


def test_a_sequence_hash_fits_sqlite_and_tells_sequences_apart():
    hashes = {fingerprint.sequence_hash(bytes([a, b])) for a in range(256) for b in range(256)}
    assert len(hashes) == 65_536
    assert min(hashes) < 0 < max(hashes)
    assert all(-(2**63) <= one < 2**63 for one in hashes)
    assert fingerprint.sequence_hash(b"MKV") == 2239102370402748320
