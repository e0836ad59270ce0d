"""Python files in the user's working directory are never executed in place of the real modules."""

import os
import shlex
import subprocess
import sys

import pytest
from stored_runs import complete

from samples import PROTEINS
from vp_tui.core.config import Judged
from vp_tui.core.workers.__main__ import WORKERS
from vp_tui.tui import cli
from vp_tui.tui.web import tab_command

NAMES = ("random", "torch", "numpy", "typing", "sqlalchemy", "vp_tui")


class Started(BaseException):
    """A process was about to be started with this command."""


@pytest.fixture
def started(monkeypatch, home):
    """started(*arguments): the command of the child process that `vp-tui ARGUMENTS` starts."""

    def popen(self, command, *_, **__):
        raise Started(command)

    def call(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(subprocess.Popen, "__init__", popen)
            patch.setattr(sys, "argv", ["vp-tui", *map(str, arguments)])
            with pytest.raises(Started) as caught:
                cli.main()
        return caught.value.args[0]

    return call


COMMANDS = {
    "faulty-run": ("demo", "--no-tui", "--fault", "tanh-gelu"),
    "run": ("run", "-m", "MODEL", "-i", PROTEINS, "--device", "cpu"),
    "demo-files": ("demo", "--no-tui"),
    "embed": ("embed", "-m", "MODEL", "-i", PROTEINS, "-o", "out.npz"),
    "embed-folder": ("embed", "-m", "MODEL", "-i", PROTEINS, "-o", "out/"),
    "doctor": ("doctor",),
    "env-probe": ("policy", "-m", "MODEL"),
    "recompute": ("show", "RUN", "--recompute"),
    "bench": ("bench", "-m", "MODEL"),
    "search": ("search", "RUN"),
    "judge-check": ("judge", "x.npz", "y.npz"),
    "judged-run": ("rerun", "RUN"),
    "plant": ("checkpoint", "plant", "MODEL", "planted", "--kind", "ffn-overflow"),
    "run-labels": ("tiers", "-m", "MODEL", "-i", PROTEINS, "--classifier", "x.pth"),
    "virnucpro": ("virnucpro", "-i", "CONTIGS", "--esm", "MODEL", "--dnabert", "DNA", "--classifier", "x.pth"),
}


@pytest.mark.parametrize("name", WORKERS)
def test_every_child_process_starts_with_a_safe_path(started, home, made_checkpoint, tmp_path, request, name):
    contigs = tmp_path / "contigs.fna"
    contigs.write_text(">a\n" + "ATGGCT" * 60 + "\n")
    given = {"MODEL": made_checkpoint(), "CONTIGS": contigs}
    if name == "judged-run":
        given["RUN"] = complete(home, judged=Judged(reference="x.npz", candidate="y.npz"))
    if name in {"recompute", "search"}:
        given["RUN"] = complete(home)
    if name == "virnucpro":
        given["DNA"] = request.getfixturevalue("made_dnabert")
    if name == "faulty-run":
        request.getfixturevalue("small_demo")
    command = started(*(given.get(word, word) for word in COMMANDS[name]))
    assert command[:5] == [sys.executable, "-P", "-m", "vp_tui.core.workers", name]


def test_the_dashboard_of_a_browser_tab_starts_with_a_safe_path(home):
    words = shlex.split(tab_command(home))
    assert words[words.index(sys.executable) + 1] == "-P"


@pytest.mark.parametrize(
    "arguments", [("doctor",), ("run", "-m", "MODEL", "-i", PROTEINS, "--device", "cpu", "--sample", "3", "--json")]
)
def test_modules_of_the_working_directory_are_not_executed(home, made_checkpoint, tmp_path, arguments):
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in NAMES:
        (hostile / f"{name}.py").write_text("open('executed', 'a').write(__name__)\nraise SystemExit(99)\n")
    words = [str(made_checkpoint()) if word == "MODEL" else str(word) for word in arguments]
    done = subprocess.run(
        # as the installed script, which has its own folder at the head of the path
        [sys.executable, "-P", "-m", "vp_tui.tui.cli", *words],
        cwd=hostile,
        env={**os.environ, "VP_TUI_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (hostile / "executed").exists()
