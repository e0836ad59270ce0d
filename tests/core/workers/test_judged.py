"""Judged runs on real files: the verdict of a run, ids without a partner, and bad input."""

import numpy as np
import pytest
from judged_runs import alike, judged, setting_of, write

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.events import AlertRaised, BlockCompared, RunPlanned
from vp_tui.core.models import linear
from vp_tui.core.workers import embed
from vp_tui.core.workers.judged.sides import recognized
from vp_tui.core.workers.validate.validation import validate


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def pair(tmp_path):
    """pair(x_SD, y_SD, ids) -> paths of two files."""

    def made(x_SD, y_SD, ids, other_ids=None):
        names = ids if other_ids is None else other_ids
        return write(tmp_path / "x.npz", x_SD, ids), write(tmp_path / "y.npz", y_SD, names)

    return made


def names(num):
    return [f"s{index}" for index in range(num)]


def test_two_files_of_embed_get_the_verdict_of_a_run_to_the_last_digit(made_checkpoint, tmp_path, monkeypatch):
    # which of two ways 16-bit products are computed in on a CPU is decided by their speed in the process
    monkeypatch.setattr(linear, "_measure", lambda dtype: (1.0, 2.0))
    shared = {"model": str(made_checkpoint()), "input": str(PROTEINS)}
    paths = {}
    for precision, ending in (("fp32", ".npz"), ("fp16", ".safetensors")):
        made = embed.embed(RunConfig(**shared, precision=precision), pytest.fail)
        paths[precision] = tmp_path / f"{precision}{ending}"
        embed.WRITERS[ending](paths[precision], made)
    found = judged(paths["fp32"], paths["fp16"], tmp_path / "judged")[-1]
    whole = [*validate(setting_of(RunConfig(**shared, oracle=0), tmp_path / "run"))][-1]
    assert (found.verdict, found.sentence, found.findings) == (whole.verdict, whole.sentence, whole.findings)
    shared_measures = found.measures.keys() & whole.measures.keys() - {"details"}
    assert {"M1", "M6", "S1", "S10", "C1"} <= shared_measures
    assert {one: found.measures[one] for one in shared_measures} == {
        one: whole.measures[one] for one in shared_measures
    }


def test_a_checkpoint_on_one_side_is_encoded_and_the_rest_is_what_two_files_give(made_checkpoint, tmp_path):
    model = made_checkpoint()
    made = embed.embed(RunConfig(model=str(model), input=str(PROTEINS), precision="fp32"), pytest.fail)
    embed.WRITERS[".npz"](tmp_path / "y.npz", made)
    events = judged(model, tmp_path / "y.npz", tmp_path / "run", sequences=PROTEINS, precision="fp32")
    assert events[-1].strata[-1].cosine_min == 1.0
    assert events[-1].verdict == "PASS"
    (planned,) = of(RunPlanned, events)
    assert planned.model["kind"] == "esm2"
    assert planned.dataset["strata"] == {"short": 12, "medium": 12, "long": 16}


def test_rows_are_paired_by_id_whatever_their_order(pair, tmp_path):
    x_SD, y_SD = alike()
    order = np.random.default_rng(1).permutation(30)
    ids = names(30)
    events = judged(*pair(x_SD, y_SD[order], ids, [ids[row] for row in order]), tmp_path)
    assert events[-1].verdict == "PASS"
    results = [result for event in of(BlockCompared, events) for result in event.results]
    assert [result.sequence_id for result in results] == ids


def test_ids_without_a_partner_warn_and_are_named(pair, tmp_path):
    x_SD, y_SD = alike()
    events = judged(*pair(x_SD, y_SD[:29], names(30), [*names(28), "s29_1"]), tmp_path)
    finished = events[-1]
    assert finished.verdict == "WARN"
    assert [finding.gate for finding in finished.findings if finding.severity == "warn"] == ["I2"]
    assert finished.strata[-1].n == 28
    told = " ".join(alert.message for alert in of(AlertRaised, events) if alert.severity == "warn")
    assert "s28, s29" in told
    assert "s29_1 for s29" in told


def test_rows_that_are_not_finite_fail_with_their_number(pair, tmp_path):
    x_SD, y_SD = alike()
    y_SD[3, 0], y_SD[7, 1] = np.nan, np.inf
    finished = judged(*pair(x_SD, y_SD, names(30)), tmp_path)[-1]
    assert (finished.verdict, finished.exit_code) == ("FAIL", 4)
    assert finished.findings[0].gate == "V1"
    assert (finished.strata[-1].nan, finished.strata[-1].inf) == (1, 1)


def test_a_reference_that_is_not_finite_is_invalid(pair, tmp_path):
    x_SD, y_SD = alike()
    x_SD[0] = np.nan
    assert judged(*pair(x_SD, y_SD, names(30)), tmp_path)[-1].verdict == "INVALID"


def test_without_lengths_everything_is_told_over_all_only(pair, tmp_path):
    events = judged(*pair(*alike(), names(30)), tmp_path)
    strata = {stats.scope: stats.n for stats in events[-1].strata}
    assert strata == {"short": 0, "medium": 0, "long": 0, "all": 30}
    assert {*events[-1].measures["M2"]} == {"all"}
    assert events[-1].measures["M1"]["all"]["failure_bound_file"] == 0


def test_what_embeddings_cannot_show_is_said_and_not_filled_in(pair, tmp_path):
    finished = judged(*pair(*alike(), names(30)), tmp_path)[-1]
    assert {"R1", "R4", "V2"} <= {*finished.measures["details"]["not_measured"]}
    assert (finished.speedup.verdict, finished.speedup.tokens_per_s, finished.perf_valid) == ("NOT JUDGED", None, False)


def test_an_array_takes_its_ids_from_the_sequences(tmp_path):
    x_SD, y_SD = alike(40)
    np.save(tmp_path / "x.npy", x_SD)
    np.save(tmp_path / "y.npy", y_SD)
    finished = judged(tmp_path / "x.npy", tmp_path / "y.npy", tmp_path / "run", sequences=PROTEINS)[-1]
    assert {stats.scope: stats.n for stats in finished.strata}["long"] == 16
    np.save(tmp_path / "y.npy", y_SD[:39])
    with pytest.raises(InputError, match="39 embeddings, the FASTA file has 40"):
        judged(tmp_path / "x.npy", tmp_path / "y.npy", tmp_path / "run", sequences=PROTEINS)
    with pytest.raises(InputError, match="with -i"):
        judged(tmp_path / "x.npy", tmp_path / "y.npy", tmp_path / "run")


def test_two_widths_and_sequences_without_some_ids_are_refused(pair, tmp_path):
    x_SD, y_SD = alike()
    with pytest.raises(InputError, match="two widths"):
        judged(*pair(x_SD, y_SD[:, :8], names(30)), tmp_path)
    with pytest.raises(InputError, match="lacks 30 of 30 ids"):
        judged(*pair(x_SD, y_SD, names(30)), tmp_path, sequences=PROTEINS)


def test_two_checkpoints_and_one_without_sequences_are_refused(made_checkpoint, pair):
    model, (path, _) = str(made_checkpoint()), pair(*alike(), names(30))
    with pytest.raises(UsageError, match="vp-tui run"):
        recognized(model, model, has_sequences=True)
    with pytest.raises(UsageError, match="-i FASTA"):
        recognized(model, str(path), has_sequences=False)
