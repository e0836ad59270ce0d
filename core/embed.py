"""`vp-tui embed`: the embeddings of every sequence of a file, in input order, in one precision.

A child process like a run (`python -m vp_tui.core.embed`), because the command line never loads torch.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from vp_tui.core import environment, memory, packing, sequences
from vp_tui.core.config import Precision, RunConfig, choose_precision, plain_plan
from vp_tui.core.encode import Encoder, OutOfMemoryError
from vp_tui.core.errors import ExitCode, UsageError, VpTuiError
from vp_tui.core.models.loading import load
from vp_tui.core.models.spec import resolve
from vp_tui.core.sequences import SequenceSet
from vp_tui.core.store.references import replacing
from vp_tui.core.tokens import tokenize

Tell = Callable[[str], None]


def embed(config: RunConfig, tell: Tell) -> tuple[tuple[str, ...], np.ndarray]:
    """Ids and float32 embeddings [S, D] of every sequence of `config.input`, in input order.

    `tell` gets one sentence per thing worth knowing.

    Raises:
        InputError, ModelError, UsageError, ResourceError: as a run.
    """
    device, _ = environment.resolve_device(config.device)
    plan = plain_plan(config.precision)
    data = sequences.read(config.input)
    sequences.require_protein(data)
    loaded = load(resolve(config.model), plan, device)
    tokens = tokenize(data.residues, max_residues=loaded.spec.max_residues)
    _tell_changes(data, tokens.truncated, tokens.unknown, tell)
    encoder = Encoder(loaded, plan, device)
    budget = config.token_budget
    if budget == "auto":
        budget, _ = memory.auto_token_budget(loaded.spec, [plan], device, memory.free_memory(device))
    while True:
        packs = packing.first_fit_decreasing(tokens.lengths_S, budget)
        try:
            encoded = encoder.encode(tokens, packs)
            break
        except OutOfMemoryError as error:
            if budget // 2 < int(tokens.lengths_S.max()):
                raise
            budget //= 2
            tell(f"{error.tokens} tokens did not fit in memory: the token budget is now {budget}")
    embeddings_SD = np.empty_like(encoded.embeddings_SD)
    embeddings_SD[encoded.seq_indices_S] = encoded.embeddings_SD
    broken = int((~np.isfinite(embeddings_SD).all(axis=1)).sum())
    if broken:
        tell(f"{broken} embeddings hold NaN or Inf in {plan.name}; `vp-tui run` says more")
    return data.ids, embeddings_SD


def _tell_changes(data: SequenceSet, truncated: int, unknown: int, tell: Tell) -> None:
    if data.renamed:
        tell(f"{data.renamed} records had an id that was taken and got a new one (x.2, x.3, ...)")
    if truncated:
        tell(f"{truncated} sequences were cut to the model's limit")
    if unknown:
        tell(f"{unknown} letters outside the alphabet were read as unknown")


def _write_npz(path: Path, ids: tuple[str, ...], embeddings_SD: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, ids=np.asarray(ids), embeddings=embeddings_SD)


def _write_safetensors(path: Path, ids: tuple[str, ...], embeddings_SD: np.ndarray) -> None:
    save_file({"embeddings": embeddings_SD}, path, metadata={"ids": "\n".join(ids)})


def _write_virnucpro(path: Path, ids: tuple[str, ...], embeddings_SD: np.ndarray) -> None:
    """VirNucPro's own layout: {'proteins': [ids], 'data': [float32 tensor [D], ...]}."""
    data: list[Any] = [torch.from_numpy(row.copy()) for row in embeddings_SD]
    torch.save({"proteins": list(ids), "data": data}, path)


WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors, ".pt": _write_virnucpro}


def main(arguments: list[str] | None = None) -> int:
    """Embed and write; the exit code is that of the error whose text goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m vp_tui.core.embed", description=__doc__)
    for name in ("model", "input", "output", "precision", "device", "token-budget"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args(arguments)
    try:
        _embed_to(options)
    except VpTuiError as error:
        _say(f"error: {error}")
        return int(error.exit_code)
    return int(ExitCode.GOOD)


def _embed_to(options: argparse.Namespace) -> None:
    output = Path(options.output).expanduser()
    if output.suffix not in WRITERS:
        raise UsageError(f"--output {options.output!r}: the ending must be one of {', '.join(WRITERS)}")
    if not output.parent.is_dir():
        raise UsageError(f"--output {options.output!r}: there is no folder {output.parent}")
    config = RunConfig(
        model=options.model,
        input=options.input,
        precision=_precision(options.precision),
        device=options.device,
        token_budget=int(options.token_budget) if options.token_budget.isdigit() else options.token_budget,
    )
    ids, embeddings_SD = embed(config, _say)
    with replacing(output) as temporary:
        WRITERS[output.suffix](temporary, ids, embeddings_SD)
    _say(f"{output}: {len(ids)} embeddings of {embeddings_SD.shape[1]} numbers in {config.precision}")


def _precision(asked: Precision) -> Precision:
    """The precision after VIRNUCPRO_DISABLE_FP16, which is told when it changes something."""
    choice = choose_precision(asked, os.environ)
    if choice.reason is not None and choice.precision != asked:
        _say(choice.reason)
    return choice.precision


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
