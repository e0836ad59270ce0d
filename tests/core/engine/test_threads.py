import json
import os
import subprocess

import pytest

from vp_tui.core.engine.threads import WAITING, let_threads_sleep, thread_facts
from vp_tui.core.runs.worker import worker_command


def test_threads_are_let_to_sleep_where_the_user_has_said_nothing():
    environment = {"OMP_NUM_THREADS": "3"}
    let_threads_sleep(environment, "x86_64")
    assert environment == {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "1", **WAITING}


def test_only_where_torch_brings_another_library_numpy_multiplies_in_one_thread_per_caller():
    environment = {"OPENBLAS_NUM_THREADS": "5"}
    let_threads_sleep(environment, "x86_64")
    assert environment["OPENBLAS_NUM_THREADS"] == "5", "the user's choice stays"
    environment = {}
    let_threads_sleep(environment, "aarch64")
    assert environment == dict(WAITING)


@pytest.mark.parametrize("given", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "INFINITY"}])
def test_what_the_user_has_set_stays(given):
    environment = dict(given)
    let_threads_sleep(environment, "aarch64")
    assert environment == given


def test_the_facts_say_why_so_many_threads_and_how_they_wait():
    assert thread_facts(2, {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"}) == {
        "threads": 2,
        "threads_reason": "OMP_NUM_THREADS=2",
        "threads_wait": "OMP_WAIT_POLICY=ACTIVE",
    }
    unset = thread_facts(4, {})
    assert (unset["threads"], unset["threads_wait"]) == (4, "OpenMP's default")


def test_a_worker_s_threads_sleep_and_their_number_is_the_user_s():
    kept = {name: value for name, value in os.environ.items() if name not in WAITING}
    done = subprocess.run(
        worker_command("env-probe", "--model", "somebody/model", "--device", "cpu"),
        env={**kept, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    facts = json.loads(done.stdout)["answer"]["environment"]
    assert (facts["threads"], facts["threads_reason"]) == (1, "OMP_NUM_THREADS=1")
    assert facts["threads_wait"] == " ".join(f"{name}={value}" for name, value in WAITING.items())
