"""The tests are collected without the web extra, as on a machine that has only what a run needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
OF_THE_WEB = re.compile(r"aiohttp|textual_serve|import served|from served|chromium|tui\.web")

PLUGIN = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aiohttp", "textual_serve"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
"""


def test_modules_that_use_the_web_are_collected_without_its_packages(tmp_path):
    (tmp_path / "no_web.py").write_text(PLUGIN)
    modules = [path for path in TESTS.rglob("test_*.py") if OF_THE_WEB.search(path.read_text())]
    assert len(modules) > 3
    search = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no_web", "-m", "gpu", "--collect-only", "-q", *modules],
        env={**os.environ, "PYTHONPATH": search},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # 5: collected, and none of them needs a GPU; 2: errors
    assert done.returncode in {0, 5}, done.stdout
