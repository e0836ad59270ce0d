"""The demo on a real terminal: its runs, and the dashboard on them."""

from command_line import CLI
from played import environment
from terminal import Terminal

from vp_tui.core.runs import launch
from vp_tui.core.store.reader import Reader


def run_id_of(home, name):
    with Reader(home) as reader:
        return reader.find(name)


def test_the_demo_opens_the_dashboard_on_its_runs(home):
    with Terminal([*CLI, "demo"], env=environment(home)) as terminal:
        terminal.wait_for(lambda text: "demo" in text and "stratum" in text, seconds=60)
        terminal.press("q")
        terminal.wait_for(lambda text: "Leave" in text)
        terminal.press("l")
        terminal.pump(1.0)
    with Reader(home) as reader:
        assert {run.name for run in reader.runs()} == {"demo", "demo-dnabert"}
    for name in ("demo", "demo-dnabert"):
        launch.stop(home, run_id_of(home, name))
