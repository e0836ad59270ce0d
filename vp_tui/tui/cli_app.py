"""The app that every command registers on, and the arguments that several commands share.

Everything heavy is imported inside a command, so that `vp-tui --help` is instant.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.store.home import Home

ORDER = (
    "demo", "run", "runs", "show", "watch", "stop", "rerun", "tag", "delete", "baseline", "compare", "export",
    "calibrate", "policy", "bench", "embed", "virnucpro", "serve", "doctor", "db",
)  # fmt: skip
"""Of the commands in the help: the way through the product, not the order of imports."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """The commands as ORDER has them, new ones behind."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    cls=_InOrder, name="vp-tui", invoke_without_command=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

ATTENTION = "auto|flash|varlen|sdpa|flex"
PRECISIONS = "fp32|tf32|bf16|fp16"
FORMATS = "table|md|csv|json|html|junit"


def field(name: str, *flags: str, **more: Any) -> Any:
    """A typer option whose help is the description of the RunConfig field."""
    return typer.Option(*flags, help=RunConfig.model_fields[name].description, **more)


RUN_HELP = "An id, a unique prefix of the uuid, a name, `last` or `baseline` (`baseline:NAME`)."
Run = Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the run document (JSON) on stdout.")]
Detach = Annotated[bool, typer.Option("--detach", help="Print the run's id and return at once.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the baseline.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of on stdout.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="K=V", help="A note on the run; repeatable.")]
ThresholdsFile = Annotated[
    str, typer.Option("--thresholds", metavar="FILE", help="Limits to use instead of ours: TOML, name = number.")
]

Model = Annotated[str, field("model", "--model", "-m")]
Input = Annotated[str, field("input", "--input", "-i")]
Precision = Annotated[str, field("precision", "--precision", metavar=PRECISIONS)]
Reference = Annotated[str, field("reference", "--reference", metavar=PRECISIONS)]
Sample = Annotated[int, field("sample", "--sample")]
Seed = Annotated[int, field("seed", "--seed")]
Strata = Annotated[str, field("strata", "--strata", metavar="N,N")]
Device = Annotated[str, field("device", "--device")]
TokenBudget = Annotated[str, field("token_budget", "--token-budget")]
Attention = Annotated[str, field("attention", "--attention", metavar=ATTENTION)]
TrustRemoteCode = Annotated[bool, field("trust_remote_code", "--trust-remote-code")]
Fp32Compare = Annotated[bool, field("fp32_compare", "--fp32-compare")]
Gates = Annotated[str, field("gates", "--gates", metavar="mission|strict")]
Oracle = Annotated[int, field("oracle", "--oracle")]
Name = Annotated[str, field("name", "--name")]


def home() -> Home:
    """The folders of this installation, made or not."""
    return Home.from_environment(os.environ)


def store() -> Home:
    """The home with a store of the current schema, dead runs declared interrupted."""
    from vp_tui.core.store.lifecycle import reconcile
    from vp_tui.migrations import upgrade

    place = home()
    upgrade(place)
    reconcile(place)
    return place


def pairs(texts: Sequence[str], where: str) -> dict[str, str]:
    """key=value texts as a mapping; `where` names them in an error.

    Raises:
        UsageError: one is written otherwise.
    """
    for text in texts:
        if "=" not in text or text.startswith("="):
            raise UsageError(f"{where} {text!r}: write it as key=value")
    return dict(text.split("=", 1) for text in texts)
