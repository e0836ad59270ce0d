"""BPE in processes of its own: the same tokens, and no process that is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields

import numpy as np
import psutil
import pytest

from samples import READS
from vp_tui.core.errors import InputError, ResourceError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.batch_tokenizer import BATCH
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.token_processes import TokenProcesses


@pytest.fixture
def checkpoint(made_dnabert):
    """Folder and vocabulary size, as both tokenizers take them."""
    return made_dnabert, read_spec(made_dnabert).vocab_size


@pytest.fixture(scope="module")
def reads():
    """Three batches and some, with letters that are counted: in the first batch, the last, and in both."""
    real = sequences.read(READS).residues
    made = [real[i % len(real)] for i in range(3 * BATCH + 5)]
    made[0] = b"ACGUacgRR" * 5
    made[-1] = b"acgtNNR" * 5
    return made


@pytest.mark.parametrize("count", [1, BATCH, BATCH + 1, 3 * BATCH + 5])
def test_tokens_and_counts_are_those_of_one_process(checkpoint, reads, count):
    expected = BpeTokenizer(*checkpoint).encode(reads[-count:])
    with TokenProcesses(*checkpoint) as processes:
        found = processes.tokenize(reads[-count:])
    for field in fields(found):
        assert np.array_equal(getattr(found, field.name), getattr(expected, field.name)), field.name
    assert found.ids_N.dtype == np.int32
    assert not multiprocessing.active_children()


def test_an_empty_sequence_is_named_by_its_place_in_the_window(checkpoint, reads):
    with (
        TokenProcesses(*checkpoint) as processes,
        pytest.raises(InputError, match=str(BATCH + 2)),
    ):
        processes.tokenize([*reads[: BATCH + 2], b"", *reads[BATCH:]])


def test_a_process_that_is_ended_by_something_else_ends_the_job_with_a_sentence(checkpoint, reads):
    with TokenProcesses(*checkpoint) as processes:
        processes.tokenize(reads)
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(ResourceError, match="--resume"):
            processes.tokenize(reads)


STARTS_AND_WAITS = """
import sys, time
from pathlib import Path
from vp_tui.core.inputs.token_processes import TokenProcesses
if __name__ == "__main__":
    with TokenProcesses(Path(sys.argv[1]), int(sys.argv[2])) as processes:
        processes.tokenize([b"ACGT" * 20] * 5000)
        print("ready", flush=True)
        time.sleep(600)
"""


def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(checkpoint, tmp_path):
    script = tmp_path / "starts_and_waits.py"
    script.write_text(STARTS_AND_WAITS)
    process = subprocess.Popen([sys.executable, script, *map(str, checkpoint)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    give_up = time.monotonic() + 60
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < give_up, "left behind"
        time.sleep(0.05)
