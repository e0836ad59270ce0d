"""`vp-tui virnucpro`: VirNucPro's whole front end in both precisions."""

from typing import Annotated, Any

import typer

from vp_tui.tui import cli_app
from vp_tui.tui.cli_app import app
from vp_tui.tui.cli_options import config_options

_EsmPrecision = Annotated[
    str, typer.Option("--esm-precision", metavar=cli_app.PRECISIONS, help="The protein model's, if another.")
]
_DnabertPrecision = Annotated[
    str, typer.Option("--dnabert-precision", metavar=cli_app.PRECISIONS, help="The DNA model's, if another.")
]
_CandidateEsm = Annotated[
    str, typer.Option("--candidate-esm", metavar="MODEL", help="Another protein model, as the candidate.")
]
_CandidateClassifier = Annotated[
    str, typer.Option("--candidate-classifier", metavar="PTH", help="Its classifier, if another.")
]
_Truth = Annotated[str, typer.Option("--truth", metavar="TSV", help="True labels of frames, chunks or contigs.")]


@app.command(epilog="Example: vp-tui virnucpro -i contigs.fasta --classifier 500_model.pth --json > virnucpro.json")
@config_options("precision", "device", "devices", "ray", "attention", "gates", "thresholds")
def virnucpro(
    config: dict[str, Any],
    input: Annotated[
        str,
        typer.Option(
            "--input", "-i", metavar="FASTA", help="Contigs or reads: FASTA or FASTQ; - reads standard input."
        ),
    ],
    chunk: Annotated[
        int, typer.Option("--chunk", metavar="N", min=30, max=3000, help="Bases per chunk: 300 or 500.")
    ] = 500,
    esm: Annotated[str, typer.Option("--esm", metavar="MODEL", help="Protein model.")] = "esm2-3b",
    dnabert: Annotated[str, typer.Option("--dnabert", metavar="MODEL", help="DNA model.")] = "dnabert-s",
    esm_precision: _EsmPrecision = "",
    dnabert_precision: _DnabertPrecision = "",
    classifier: Annotated[
        str, typer.Option("--classifier", metavar="PTH", help="Classifier, as VirNucPro's 500_model.pth.")
    ] = "",
    candidate_esm: _CandidateEsm = "",
    candidate_classifier: _CandidateClassifier = "",
    truth: _Truth = "",
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=0, help="Maximum number of contigs; 0: all.")] = 0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the sample.")] = 0,
    json: cli_app.AsJson = False,
) -> None:
    """Validate VirNucPro's whole front end in both precisions.

    Contigs are cut into chunks and six frames, both models embed them, the classifier labels them, and the labels of
    both precisions are compared and kept as a run. With --candidate-esm the labels of that model in --precision are
    compared with those of --esm in fp32.
    """
    from vp_tui.tui.commands.virnucpro import run_virnucpro

    options = {
        "input": input, "chunk": chunk, "esm": esm, "dnabert": dnabert, "classifier": classifier, "sample": sample,
        "seed": seed, "esm_precision": esm_precision, "dnabert_precision": dnabert_precision,
        "candidate_esm": candidate_esm, "candidate_classifier": candidate_classifier, "truth": truth,
    }  # fmt: skip
    raise typer.Exit(run_virnucpro(cli_app.store(), config | options, as_json=json))
