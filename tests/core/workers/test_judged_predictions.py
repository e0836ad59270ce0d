"""Judged predictions in this process: agreement is that of virnucpro, the truth of contigs reaches frames."""

import numpy as np
import pytest
from judged_runs import setting_of

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.workers.judged.predictions import judge
from vp_tui.core.workers.judged.sides import recognized

IDS = [f"c{contig}_chunk_1{frame}" for contig in range(100) for frame in ("F1", "R2")]
P_S = np.tile([0.9, 0.8, 0.1, 0.2], 50)


@pytest.fixture
def judged(tmp_path):
    """judged(p_S, q_S, truth=None, sequences=None, ids=IDS) -> RunFinished."""

    def finished(p_S, q_S, *, truth=None, sequences=None, ids=IDS):
        for name, values_S, names in (("x.txt", p_S, IDS), ("y.txt", q_S, ids)):
            rows = [f"{one}\t{1 - p}\t{p}" for one, p in zip(names, values_S, strict=True)]
            (tmp_path / name).write_text("\n".join(["Sequence_ID\tscore1\tscore2", *rows]) + "\n")
        sides = recognized(str(tmp_path / "x.txt"), str(tmp_path / "y.txt"), has_sequences=sequences is not None)
        if truth is not None:
            (tmp_path / "truth.tsv").write_text("id\tlabel\n" + "".join(f"{k}\t{int(v)}\n" for k, v in truth.items()))
            sides = sides.model_copy(update={"truth": str(tmp_path / "truth.tsv")})
        if sequences is not None:
            (tmp_path / "s.fna").write_text("".join(f">{k}\n{'ACGT' * v}\n" for k, v in sequences.items()))
        given = str(tmp_path / "s.fna") if sequences is not None else sides.candidate
        config = RunConfig(model=sides.reference, input=given, judged=sides)
        return [*judge(setting_of(config, tmp_path / "run"))][-1]

    return finished


def test_equal_predictions_pass(judged):
    found = judged(P_S, P_S)
    assert (found.verdict, found.exit_code, found.measures["D1"]["all"]["agreement"]) == ("PASS", 0, 1.0)


def test_clear_flips_fail_and_are_kept_with_the_run(judged):
    q_S = P_S.copy()
    q_S[:4] = 1 - q_S[:4]
    found = judged(P_S, q_S)
    assert found.verdict == "FAIL"
    assert {finding.gate for finding in found.findings if finding.severity == "fail"} >= {"D1", "D2-flip"}
    assert [flip["id"] for flip in found.measures["details"]["labels"]["flips"]][:2] == [IDS[0], IDS[2]]
    assert found.measures["details"]["consensus"]["contigs"]["changed"] == ["c0", "c1"]
    assert found.measures["details"]["direction"]["mcnemar_p"] == 1.0


def test_the_truth_of_contigs_judges_both_sides_and_the_pair(judged):
    q_S = P_S.copy()
    q_S[:2] = 0.4
    truth = {f"c{contig}": contig % 2 == 0 for contig in range(90)}
    found = judged(P_S, q_S, truth=truth).measures["details"]["truth"]
    assert (found["known"], found["unknown"]) == (180, 20)
    whole = found["scopes"]["all"]
    assert (whole["reference"]["accuracy"]["k"], whole["candidate"]["accuracy"]["k"]) == (180, 178)
    assert whole["mcnemar"] == {"only_reference_right": 2, "only_candidate_right": 0, "p": 0.5}


def test_strata_come_from_the_lengths_of_the_contigs(judged):
    lengths = {f"c{contig}": 20 if contig < 30 else 200 for contig in range(100)}
    truth = {f"c{contig}": contig % 2 == 0 for contig in range(100)}
    found = judged(P_S, P_S, truth=truth, sequences=lengths).measures["details"]["truth"]["scopes"]
    assert {name: one["reference"]["accuracy"]["n"] for name, one in found.items()} == {
        "all": 200, "short": 60, "long": 140,
    }  # fmt: skip


def test_a_missing_prediction_warns(judged):
    found = judged(P_S, P_S[:-1], ids=IDS[:-1])
    assert (found.verdict, found.findings[0].gate) == ("WARN", "I2")


def test_a_truth_of_other_ids_and_one_table_alone_are_refused(judged, tmp_path):
    with pytest.raises(InputError, match="no label for any"):
        judged(P_S, P_S, truth={"other": True})
    with pytest.raises(UsageError, match="both sides"):
        recognized(str(tmp_path / "x.txt"), "esm2-8m", has_sequences=True)
