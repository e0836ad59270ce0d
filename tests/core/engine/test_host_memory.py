import subprocess
import sys

import pytest

from vp_tui.core.engine.host_memory import HUGE_PAGES, prepare_memory

PROBE = """
import os, psutil
from vp_tui.core.engine.host_memory import prepare_memory

prepare_memory(os.environ)
import torch

before = psutil.Process().memory_info().rss
outputs = [torch.ones(2048, 1920) for _ in range(4)]
del outputs
print(psutil.Process().memory_info().rss - before)
"""
OUTPUT_BYTES = 4 * 2048 * 1920 * 4


@pytest.mark.parametrize(("given", "used"), [({}, "1"), ({HUGE_PAGES: "0"}, "0")])
def test_torch_is_asked_for_huge_pages_unless_the_user_has_said_otherwise(given, used):
    environment = dict(given)
    prepare_memory(environment)
    assert environment == {HUGE_PAGES: used}


def test_what_a_layer_frees_stays_in_the_process_for_the_next_one():
    """Without mallopt glibc gives each of the first large tensors a mapping of its own, and returns it."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0.9 * OUTPUT_BYTES
