"""Tables of predictions as VirNucPro and others write them."""

import numpy as np
import pytest

from vp_tui.core.config import PredictionColumns
from vp_tui.core.errors import InputError
from vp_tui.core.inputs.predictions import chunk_of, contig_of, known_of, read_predictions, read_truth

OWN = PredictionColumns()
FRAMES = "Sequence_ID\tPrediction\tscore1\tscore2\nc_chunk_1F1\tvirus\t0.1\t0.9\nc_chunk_1R3\tothers\t0.7\t0.3\n"
CHUNKS = "Modified_ID\tIs_Virus\tmax_score_0\tmax_score_1\nc_chunk_1\tTrue\t0.7\t0.9\n"


def table(tmp_path, text, name="p.txt"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_both_files_of_virnucpro_are_read(tmp_path):
    frames = read_predictions(table(tmp_path, FRAMES), OWN)
    assert frames.ids == ("c_chunk_1F1", "c_chunk_1R3")
    assert frames.scores_S2.tolist() == [[0.1, 0.9], [0.7, 0.3]]
    chunks = read_predictions(table(tmp_path, CHUNKS, "h.csv"), OWN)
    assert (chunks.ids, chunks.scores_S2.tolist()) == (("c_chunk_1",), [[0.7, 0.9]])


def test_another_table_is_read_by_the_names_of_its_columns(tmp_path):
    path = table(tmp_path, "read,prob,call\na,0.25,0\n", "p.csv")
    found = read_predictions(path, PredictionColumns(id="read", score="prob", label="call"))
    assert found.scores_S2.tolist() == [[0.75, 0.25]]
    with pytest.raises(InputError, match="--id-column"):
        read_predictions(path, OWN)


def test_labels_that_contradict_their_scores_are_counted(tmp_path):
    assert read_predictions(table(tmp_path, FRAMES.replace("virus", "others")), OWN).contradicted == 1


def test_a_missing_score_is_not_a_number_and_a_word_is_refused(tmp_path):
    assert np.isnan(read_predictions(table(tmp_path, "id,score\na,\n"), OWN).scores_S2[0, 1])
    with pytest.raises(InputError, match="line 2: 'high'"):
        read_predictions(table(tmp_path, "id,score\na,high\n"), OWN)


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "no predictions"), ("id,score\n", "no predictions"), ("id,score\na\n", "line 2 has 1 columns"),
     ("id,score,label\na,0.5,maybe\n", "'maybe' is no label")],
)  # fmt: skip
def test_what_is_no_table_is_refused(text, told, tmp_path):
    with pytest.raises(InputError, match=told):
        read_predictions(table(tmp_path, text), OWN)


def test_frames_chunks_and_contigs_are_told_by_their_names():
    assert [chunk_of(name) for name in ("c_chunk_1F1", "c_chunk_1", "readF1")] == ["c_chunk_1", "c_chunk_1", "read"]
    assert [contig_of(name) for name in ("c_chunk_12R3", "c_chunk_12", "NODE_1")] == ["c", "c", "NODE_1"]


def test_the_truth_of_a_contig_is_that_of_its_frames(tmp_path):
    truth = read_truth(table(tmp_path, "id\tlabel\nc\tvirus\n"))
    assert known_of(["c_chunk_1F1", "x_chunk_1F1"], truth) == [True, None]
    with pytest.raises(InputError, match="two labels"):
        read_truth(table(tmp_path, "id\tlabel\nc\tvirus\nc\tothers\n"))
    with pytest.raises(InputError, match="first line") as refused:
        read_truth(table(tmp_path, "c\tvirus\nd\tothers\n"))
    # only tables of predictions have an option for it
    assert "--id-column" not in str(refused.value)
