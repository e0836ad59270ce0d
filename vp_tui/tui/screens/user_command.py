"""Output and exit code of a command of the user."""

from functools import partial

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.jobs import patiently, run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import Level, line, lines, styled
from vp_tui.tui.messages import dashboard
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.user_commands import Ended, UserCommand, run_command


class UserCommandScreen(ModalScreen[None]):
    """esc or q closes it."""

    BINDINGS = bindings("command")

    def __init__(self, name: str, run_id: int, ended: Ended) -> None:
        super().__init__()
        level: Level = "fail" if ended.exit_code else "good"
        told = line((f"{fmt.safe(name)}  run #{run_id}  ", "title"), (f"exit code {ended.exit_code}", level))
        written = [Content(fmt.safe(text)) for text in ended.output.rstrip("\n").split("\n")]
        self._text = lines([told, Content(""), *(written if ended.output.strip() else [styled("no output", "dim")])])

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog report"):
            yield Static(self._text, id="command-output", markup=False)
        yield KeyBar()


def start_command(app: App[int], command: UserCommand, run: RunRow | None) -> None:
    """Run the command in the background; it goes on when the dashboard is left."""
    if run is None:
        app.notify("no run is selected", severity="warning")
        return
    work = partial(patiently, f"command {command.key}", partial(run_command, command, run, dashboard(app).home))
    show = partial(UserCommandScreen, command.name, run.id)
    run_job(app, f"command {command.key}", work, lambda ended: app.push_screen(show(ended)))
