"""The commands that write embeddings: embed, merge."""

from typing import Annotated, Any

import typer

from vp_tui.core.config import RunConfig
from vp_tui.tui import cli_app
from vp_tui.tui.cli_app import app
from vp_tui.tui.cli_options import Emulate, config_options, emulated

_Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|FOLDER/",
        help="File (.npz, .safetensors, .pt), or a folder: a name that ends in /.",
    ),
]  # fmt: skip
_Resume = Annotated[bool, typer.Option("--resume", help="Folder: continue with what is there, or begin if nothing is.")]
_Shard = Annotated[
    str, typer.Option("--shard", metavar="I/N|slurm", help="Folder: embed share I of N; slurm: of the array task.")
]
_Format = Annotated[
    str, typer.Option("--format", metavar="parquet|hdf5", help="Folder: kind of the files (hdf5: VirNucPro's layout).")
]
_Store = Annotated[
    str, typer.Option("--store", metavar="fp32|fp16", help="Folder: number format of the stored embeddings.")
]
_PerFile = Annotated[int, typer.Option("--per-file", metavar="N", min=1, help="Folder: sequences per file at most.")]


@app.command(epilog="Example: vp-tui embed -m esm2-650m -i proteins.fasta -o embeddings.npz")
@config_options(
    "model", "input", "precision", "device", "devices", "ray", "attention", "token_budget", "trust_remote_code",
    precision=RunConfig.model_fields["reference"].default,
)  # fmt: skip
def embed(
    context: typer.Context,
    config: dict[str, Any],
    output: _Output,
    resume: _Resume = False,
    shard: _Shard = "1/1",
    format: _Format = "parquet",
    store: _Store = "fp32",
    per_file: _PerFile = 65_536,
    emulate: Emulate = "",
) -> None:
    """Write the embeddings of all sequences, in input order.

    Into one file, or for sets of any size into a folder: a file per 65,536 sequences, within bounded memory. Jobs that
    share an input (--shard) write a folder each, which `vp-tui merge` joins.
    """
    from vp_tui.tui.commands.embedding import FolderOptions, run_embed

    folder = FolderOptions(resume=resume, shard=shard, format=format, store=store, per_file=per_file)
    given = cli_app.given(context)
    raise typer.Exit(run_embed(cli_app.home(), config | emulated(emulate, given), output, folder, given))


@app.command(epilog="Example: vp-tui merge embeddings/ parts/")
def merge(
    output: Annotated[str, typer.Argument(metavar="OUT", help="New folder for the files of all shards.")],
    parts: Annotated[
        list[str], typer.Argument(metavar="PART", help="Folders of `embed --shard`, or one that holds them.")
    ],
) -> None:
    """Join the folders of all shards of one input.

    Refuses shards that are missing, doubled, incomplete, corrupt, or of another input, model, precision or number of
    shards. Files are linked where the file system can, else copied.
    """
    from vp_tui.tui.commands.embedding import run_merge

    raise typer.Exit(run_merge(output, parts))
