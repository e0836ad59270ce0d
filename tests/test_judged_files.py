"""`vp-tui judge` as a command: bad input leaves nothing behind, and a fault is named and kept with the run."""

import json

import numpy as np

from vp_tui.core.store.reader import Reader


def write(path, ids, x_SD):
    np.savez(path, ids=np.asarray(ids), embeddings=x_SD.astype(np.float32))
    return path


def test_bad_input_is_one_sentence_and_no_run_and_exchanged_rows_are_named(home, vp_tui, tmp_path, document):
    x_SD = np.random.default_rng(0).normal(size=(40, 32))
    ids = [f"s{index}" for index in range(40)]
    reference = write(tmp_path / "x.npz", ids, x_SD)
    bad = vp_tui("judge", reference, write(tmp_path / "z.npz", [f"t{name}" for name in ids], x_SD), check=2)
    assert bad.stderr.startswith("error: no id is on both sides")
    assert len(bad.stderr.splitlines()) == 1
    with Reader(home) as reader:
        assert not reader.runs()

    shifted = write(tmp_path / "y.npz", ids, np.roll(x_SD, 1, axis=0) + 1e-4)
    found = document(vp_tui("judge", reference, shifted, "--json", check=4))
    assert found["verdict"] == "FAIL"
    assert [fault["name"] for fault in found["measures"]["details"]["faults"]["recognized"]] == ["exchanged"]
    assert {finding["gate"] for finding in found["findings"]} >= {"S7", "F1"}
    with Reader(home) as reader:
        assert [run.id for run in reader.history("is:judged")] == [found["id"]]


def test_judged_files_are_compared_without_speed_and_have_no_operations_to_search(home, vp_tui, tmp_path, document):
    rng = np.random.default_rng(1)
    ids, x_SD = [f"s{i}" for i in range(40)], rng.normal(1, 1, (40, 16)).astype(np.float32)
    y_SD = x_SD.copy()
    y_SD[3] = np.nan
    write(tmp_path / "x.npz", ids, x_SD)
    write(tmp_path / "y.npz", ids, y_SD)
    for _ in range(2):
        found = document(vp_tui("judge", tmp_path / "x.npz", tmp_path / "y.npz", "--json", check=None))
        assert found["verdict"] == "FAIL"
    shown = vp_tui("show", found["id"]).stdout
    assert "vp-tui search" not in shown
    refused = vp_tui("search", found["id"], check=2)
    assert "vp-tui run" in refused.stderr
    compared = json.loads(vp_tui("compare", found["id"] - 1, found["id"], "--format", "json", check=4).stdout)
    assert compared["verdicts"] == {"accuracy": "FAIL", "performance": "NOT_COMPARABLE"}
    # without lengths the sequences have no stratum, and are counted all the same
    assert ("below_limit", "all", 1.0) in [(one["name"], one["scope"], one["cand"]) for one in compared["items"]]
