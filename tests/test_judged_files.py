"""`vp-tui judge` as a command: bad input leaves nothing behind, and a fault is named and kept with the run."""

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
