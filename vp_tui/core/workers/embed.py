"""`vp-tui embed`: the embeddings of every sequence of a file, in input order, in one precision."""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import save_file

from vp_tui.core.config import Precision, PrecisionPlan, RunConfig, choose_precision
from vp_tui.core.engine.queueing import delayed
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.files import output as output_file
from vp_tui.core.files import user_path
from vp_tui.core.formats import is_shown_as_built_in
from vp_tui.core.inputs import compatibility, sequences, tokenizing
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import Alphabet, default_cuts, read_spec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.store.home import Home
from vp_tui.core.text import plural, safe
from vp_tui.core.workers.embedder import Embedder, Report, loaded
from vp_tui.core.workers.fleet.choice import choose
from vp_tui.core.workers.validate.prepare import input_notes, input_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    sequences: SequenceSet
    embeddings_SD: np.ndarray
    """float32, in input order."""
    alphabet: Alphabet
    """The alphabet of the sequences."""
    precision: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the sequences."""
        return self.sequences.ids


def embed(config: RunConfig, report: Report, cache: Path | None = None) -> Embedded:
    """Return the embeddings of every sequence of `config.input`, in input order.

    `report` gets a sentence per note; `cache` as in tokenizing.tokenize.

    Raises:
        InputError, ModelError, UsageError, ResourceError: as a run.
    """
    return embed_set(config, sequences.read(config.input), report, cache)


def embed_set(config: RunConfig, data: SequenceSet, report: Report, cache: Path | None = None) -> Embedded:
    """Return the embeddings of these sequences; otherwise as `embed`."""
    chosen, plan = choose(config), config.candidate_plan
    source = fetch(resolve(config.model, trust_remote_code=config.trust_remote_code))
    spec = read_spec(source.path, source.name)
    alphabet = compatibility.require(spec, data)
    tokens = tokenizing.tokenize(spec, source.path, data, cache, trust_remote_code=config.trust_remote_code)
    stratum_S = sequences.strata_of(data.lengths_S, default_cuts(alphabet))
    with loaded(config, source, chosen, report) as model:
        for note in (*input_notes(data, tokens, spec), *input_warnings(data, tokens, spec)):
            report(note)
        embeddings_SD = _encoded(model, tokens, stratum_S, spec.hidden)
    broken = int((~np.isfinite(embeddings_SD).all(axis=1)).sum())
    if broken:
        report(f"{plural(broken, 'embedding')} with NaN or Inf in {plan.name}; diagnose with `vp-tui run`")
    return Embedded(sequences=data, embeddings_SD=embeddings_SD, alphabet=alphabet, precision=_named(config))


def _named(config: RunConfig) -> str:
    """Return the precision as the file says it: of a stored plan its base, else the plan's name (emulated fp8)."""
    plan = config.candidate_plan
    return plan.name if is_shown_as_built_in(plan.name) else config.precision


def _encoded(model: Embedder, tokens: TokenSet, stratum_S: np.ndarray, width: int) -> np.ndarray:
    """Return the embeddings in input order."""
    embeddings_SD = np.empty((len(tokens.lengths_S), width), np.float32)
    model.prepare(int(tokens.lengths_S.max()))
    for running in delayed(model.start(tokens, stratum_S), model.ahead):
        block = running.finish()
        embeddings_SD[block.seq_indices_S] = block.embeddings_SD
    return embeddings_SD


def _write_npz(path: Path, made: Embedded) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            ids=np.asarray(made.ids),
            embeddings=made.embeddings_SD,
            lengths=made.sequences.lengths_S,
            hashes=made.sequences.hash_S,
            precision=np.asarray(made.precision),
            alphabet=np.asarray(made.alphabet),
        )


def _write_safetensors(path: Path, made: Embedded) -> None:
    tensors = {"embeddings": made.embeddings_SD, "lengths": made.sequences.lengths_S, "hashes": made.sequences.hash_S}
    metadata = {"ids": "\n".join(made.ids), "precision": made.precision, "alphabet": made.alphabet}
    save_file(tensors, path, metadata=metadata)


def _write_virnucpro(path: Path, made: Embedded) -> None:
    """Write VirNucPro's own layouts.

    Proteins: {'proteins': [ids], 'data': [float32 tensor [D], ...]}; DNA: {'nucleotide': [ids], 'data':
    [{'label': id, 'mean_representation': list of D floats}, ...]}.
    """
    data: list[Any]
    if made.alphabet == "protein":
        data = [torch.from_numpy(row.copy()) for row in made.embeddings_SD]
        torch.save({"proteins": list(made.ids), "data": data}, path)
        return
    rows = zip(made.ids, made.embeddings_SD.tolist(), strict=True)
    data = [{"label": name, "mean_representation": row} for name, row in rows]
    torch.save({"nucleotide": list(made.ids), "data": data}, path)


WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors, ".pt": _write_virnucpro}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("model", "input", "output", "precision", "device", "attention", "token-budget"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("devices", "ray"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--plan", help="Precision plan as JSON")
    parser.add_argument("--trust-remote-code", action="store_true")


def main(options: argparse.Namespace) -> int:
    output = user_path(options.output)
    if output.suffix not in WRITERS:
        raise UsageError(f"--output {options.output!r}: the file name must end with one of {', '.join(WRITERS)}")
    if not output.parent.is_dir():
        raise UsageError(f"--output {options.output!r}: folder {output.parent} does not exist")
    config = config_of(options)
    made = embed(config, say, Home.from_environment(os.environ).cache)
    _write(output, made)
    count, width = plural(len(made.ids), "embedding"), made.embeddings_SD.shape[1]
    say(f"{output}: {count} of {width} numbers in {config.candidate_plan.name}")
    return ExitCode.GOOD


def config_of(options: argparse.Namespace) -> RunConfig:
    """Return the configuration; a precision that VIRNUCPRO_DISABLE_FP16 changes is reported."""
    precision, reason = _precision(options.precision)
    return RunConfig(
        model=options.model,
        input=options.input,
        precision=precision,
        plan=PrecisionPlan.model_validate_json(options.plan) if options.plan else None,
        precision_requested=options.precision if reason else None,
        precision_reason=reason,
        device=options.device,
        devices=options.devices,
        ray=options.ray,
        attention=options.attention,
        trust_remote_code=options.trust_remote_code,
        token_budget=int(options.token_budget) if options.token_budget.isdigit() else options.token_budget,
    )


def _write(output: Path, made: Embedded) -> None:
    try:
        with output_file(output) as temporary:
            WRITERS[output.suffix](temporary, made)
    except (OSError, SafetensorError, RuntimeError) as error:
        # torch and safetensors report a full disk by errors of their own
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise UsageError(f"cannot write {output}: {reason}; free space there or name another folder") from error


def _precision(asked: Precision) -> tuple[Precision, str | None]:
    """Return the precision after VIRNUCPRO_DISABLE_FP16, and why it changed, which is reported too."""
    choice = choose_precision(asked, os.environ)
    if choice.reason is not None:
        say(choice.reason)
    return choice.precision, choice.reason


def say(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{safe(text)}\n")
