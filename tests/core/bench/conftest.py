"""One small bench for all tests: the real child process on a CPU, a tiny checkpoint, with peers."""

import pytest
from command_line import command_on, document_of

from vp_tui.core.store.home import Home

ASKED = ("--precision", "fp32", "--precision", "tf32", "--peers", "--device", "cpu", "--tokens", "300")


@pytest.fixture(scope="session")
def benched(made_checkpoint, tmp_path_factory):
    """(document, stderr) of `vp-tui bench --json` on the tiny checkpoint of two layers."""
    call = command_on(Home(tmp_path_factory.mktemp("bench-home")))
    done = call("bench", "-m", made_checkpoint(), *ASKED, "--json", environment={"OMP_NUM_THREADS": "1"})
    return document_of(done), done.stderr
