"""The commands that make checkpoints: checkpoint plant."""

from typing import Annotated, Any

import typer

from vp_tui.core.text import wrap
from vp_tui.core.workers.plant import KINDS
from vp_tui.tui.cli_app import AsJson, Group, app, home
from vp_tui.tui.cli_options import config_options

_WIDTH = 76

checkpoint = typer.Typer(cls=Group, help="Make checkpoints with known faults.", no_args_is_help=True)
app.add_typer(checkpoint, name="checkpoint")


def _kinds_help() -> str:
    width = max(map(len, KINDS))
    return "\n".join(
        ["\b", "Kinds:", *(line for name, text in KINDS.items() for line in _entry(f"{name:<{width}}  ", text))]
    )


def _entry(start: str, text: str) -> list[str]:
    return wrap(text, _WIDTH, first=start, rest=" " * len(start))


def _complete_kind(incomplete: str) -> list[str]:
    return [name for name in KINDS if name.startswith(incomplete)]


_EPILOG = f"""Example: vp-tui checkpoint plant esm2-8m planted --kind ffn-overflow

{_kinds_help()}
"""


@checkpoint.command("plant", epilog=_EPILOG)
@config_options("device")
def checkpoint_plant(
    config: dict[str, Any],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="ESM-2 or DNABERT-S: folder, short name or hub id.")],
    folder: Annotated[str, typer.Argument(metavar="DEST", help="Folder of the copy: new, or empty.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="Kind of fault, see below.", autocompletion=_complete_kind)
    ],
    block: Annotated[
        int | None, typer.Option("--block", metavar="N", min=0, help="Block of a single fault (default: drawn).")
    ] = None,
    culprits: Annotated[int, typer.Option("--culprits", metavar="N", min=1, help="Faults, each in another block.")] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of all that is drawn.")] = 0,
    input: Annotated[
        str, typer.Option("--input", "-i", metavar="FASTA", help="Sequences to calibrate on (default: synthetic).")
    ] = "",
    json: AsJson = False,
) -> None:
    """Copy a checkpoint and plant faults of FP16 in it.

    The weights of the copy are changed so that FP16 fails at known operations while FP32 stays sound. The operations
    that must be kept in FP32 are written to DEST/planted.json: ground truth for a search.
    """
    from vp_tui.tui.commands.planting import run_plant

    options = {"kind": kind, "block": block, "culprits": culprits, "seed": seed, "input": input, **config}
    raise typer.Exit(run_plant(home(), source, folder, options, as_json=json))
