"""The app that every command registers on, and the arguments that several commands share.

Everything heavy is imported inside a command, so that `vp-tui --help` is instant.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from vp_tui.core.config import DISABLE_VARIABLE
from vp_tui.core.errors import UsageError
from vp_tui.core.store.home import HOME_VARIABLE, Home
from vp_tui.tui.refusals import refusal_of

ORDER = (
    "demo", "run", "runs", "show", "watch", "stop", "rerun", "tag", "delete", "judge", "baseline", "compare",
    "export", "calibrate", "policy", "search", "plan", "bench", "embed", "merge", "virnucpro", "checkpoint",
    "serve", "doctor", "db",
)  # fmt: skip
"""Order of the commands in the help: the way through the product, not the order of imports."""


class Group(TyperGroup):
    """Commands in the order of ORDER; help without Python types; refused values in the words of the forms."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order of ORDER, unlisted ones last."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command; the help of an argument has its name only, `RUN` and not `RUN <str>`."""
        command = super().get_command(ctx, cmd_name)
        for one in command.params if command is not None else ():
            if one.param_type_name == "argument":
                one.display_type_rich = _no_type  # type: ignore[attr-defined]
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a value that typer refuses is told as a form tells it, with the value got."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError):
                found = cause.errors()[0]
                words, given = refusal_of(found), repr(found["input"])
                error.message = words if given in words else f"{words} (got {given})"
            raise


def _no_type(ctx: Any) -> str:
    return ""


app = typer.Typer(
    cls=Group, name="vp-tui", invoke_without_command=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

ENVIRONMENT = f"""Environment variables:

\b
{HOME_VARIABLE:<24}Folder of the store, the runs and the caches.
VP_TUI_NOTIFY           As --notify, also for runs from the dashboard.
VP_TUI_NOTIFY_ON        As --notify-on, for the same.
{DISABLE_VARIABLE:<24}1: candidates run in FP32, and the run says so.
HF_HUB_OFFLINE          1: never ask the hub for a model.
NO_COLOR                Any value: no colours.

Example: vp-tui demo"""
"""Below the help of the program."""
FORMATS = "table|md|csv|json|html|junit"
TABLES = "sequences|strata|runs|measures|findings"
PRECISIONS = "fp32|tf32|bf16|fp16"

RUN_HELP = "Run id, unique prefix of the uuid, name, `last` or `baseline` (`baseline:NAME`)."
Run = Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Detach = Annotated[bool, typer.Option("--detach", help="Print the run id and return at once.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, stored with the baseline.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Output file (default: stdout).")]


def given(context: typer.Context) -> set[str]:
    """Return the long names of the options on this command line."""
    names = {one.name: max(one.opts, key=len) for one in context.command.params if one.name}
    sources = {name: context.get_parameter_source(name) for name in names}
    # by its name: typer brings a click of its own, or uses the installed one
    return {names[name] for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def home() -> Home:
    """Return the folders of this installation, which may not exist yet."""
    return Home.from_environment(os.environ)


def store() -> Home:
    """Return the home with a store of the current schema; dead runs are marked as interrupted."""
    from vp_tui.core.store.lifecycle import reconcile
    from vp_tui.migrations import about_to_begin, upgrade
    from vp_tui.tui.commands.output import say

    place = home()
    for note in about_to_begin(place):
        say(note)
    upgrade(place)
    reconcile(place)
    return place


def pairs(texts: Sequence[str], where: str) -> dict[str, str]:
    """Return key=value texts as a mapping; `where` names them in an error.

    Raises:
        UsageError: a text without a key or without `=`.
    """
    for text in texts:
        if "=" not in text or text.startswith("="):
            raise UsageError(f"{where} {text!r}: write it as key=value")
    return dict(text.split("=", 1) for text in texts)
