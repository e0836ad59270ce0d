"""Seconds and memory of all measures after a run of 10,000 sequences of ESM-2 3B; prints, never fails on time.

In a fresh process each, so that its peak memory is that of the measures; run with `make bench`.
"""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

WORK = """
import json, resource, sys, time
import numpy as np
from vp_tui.core.measures.run_measures import after_run

num, width = int(sys.argv[1]), 2560
generator = np.random.default_rng(0)
x_SD = generator.standard_normal(size=(num, 64), dtype=np.float32) @ (
    0.02 * generator.standard_normal(size=(64, width), dtype=np.float32))
x_SD += 0.1 * generator.standard_normal(size=(num, width), dtype=np.float32)
x_SD[:, 1542] += 12.5
y_SD = x_SD * (1 + 4e-4 * generator.standard_normal(size=x_SD.shape, dtype=np.float32))

def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

if sys.argv[2] == "warm":
    after_run(x_SD, y_SD, np.arange(num) % 3, cosine_limit=0.99)
before = used()
found = after_run(x_SD, y_SD, np.arange(num) % 3, cosine_limit=0.99)
seconds, cpu, mib = (after - start for after, start in zip(used(), before))
print(json.dumps({"seconds": seconds, "cpu": cpu, "mib": mib, "cosine": found.values["M1"]["all"]["min"]}))
"""


@pytest.mark.parametrize(("num", "start"), [(10_000, "cold"), (512, "warm")], ids=["a run's 10,000", "a control's 512"])
def test_all_measures_of_embeddings_with_a_dominant_dimension(num, start, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(num), start], capture_output=True, text=True, check=True, timeout=500
    )
    used = json.loads(done.stdout)
    assert 0.999999 < used["cosine"] < 1
    print(
        f"\n{num} x 2560: {used['seconds']:.2f} s on all cores, {used['cpu']:.2f} s of CPU, "
        f"peak memory +{used['mib']:.0f} MiB"
    )
