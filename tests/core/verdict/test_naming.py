"""The sentence of a FAIL is one sentence everywhere, in runs of earlier versions too."""

import pytest
from stored_runs import complete

from vp_tui.core.report.document import run_document
from vp_tui.core.report.headline import headline
from vp_tui.core.store.reader import Reader
from vp_tui.core.verdict.naming import as_written_now, unusable

BEFORE = "fp16 is not safe here: 3 of 30 sequences become NaN or Inf"
NOW = "do not use FP16 here: 3 of 30 sequences become NaN or Inf"


@pytest.mark.parametrize("stored", [BEFORE, NOW])
def test_runs_logs_live_and_reports_have_one_sentence_for_a_run_that_failed(home, stored):
    run_id = complete(home, end={"verdict": "FAIL", "sentence": stored})
    with Reader(home) as reader:
        snapshot = reader.snapshot(run_id)
        (row,), changes = reader.runs(), reader.timeline(run_id)
    _, safe, _ = headline(snapshot)
    assert (row.sentence, row.status_reason, changes[-1].reason) == (NOW, NOW, NOW)
    assert safe.text == run_document(snapshot)["sentence"] == NOW


@pytest.mark.parametrize("sentence", [None, "", "fp16 is safe here: all 30 sequences are finite", NOW])
def test_other_sentences_stay_as_they_are(sentence):
    assert as_written_now(sentence) == sentence


def test_a_plan_keeps_its_own_name():
    assert unusable("mine-v2") == "do not use mine-v2 here"
    assert as_written_now("mine-v2 is not safe here: x") == "do not use mine-v2 here: x"
