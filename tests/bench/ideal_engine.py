"""How often the gates fire on an engine that cannot be better, for docs/measures.md; a program, not a test.

    python tests/bench/ideal_engine.py measure MODEL FASTA FOLDER [--sequences N] [--draws N] [--device cuda]
    python tests/bench/ideal_engine.py table FOLDER

`measure` keeps the embeddings of an exact pass (FP64), of ideal engines in FP16 and BF16, of the engine of this package
in both formats, and of the engine with each injected fault. An ideal engine computes exactly and rounds every stored
value once (engine.probe.twin); `draws` of them differ in an error of half a rounding of the token embeddings. `table`
judges random samples of them, as many short, medium and long sequences as a run would take.
"""

import argparse
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults.inject import FAULTS
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.engine.probe.sample import cut, place
from vp_tui.core.engine.probe.twin import Rounding, round_weights
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokenizing import tokenize
from vp_tui.core.models import precision
from vp_tui.core.models.loading import load, read_spec
from vp_tui.core.models.ops import Ops
from vp_tui.core.models.precision import EXACT, stored_as

CUTS = (64, 128)
HALF_ROUNDING = {"fp16": 2.0**-12, "bf16": 2.0**-9}


class RoundedOps(Ops):
    """Queries and keys are stored once more after the rotary turn, in every real engine."""

    def __init__(self, plan):
        self._plan = plan

    def mix(self, qkv_ND3, num_heads, attention, layout, *, rotary=None, slopes_H=None):
        return super().mix(
            qkv_ND3, num_heads, attention, layout, rotary=rotary and Rounded(rotary, self._plan), slopes_H=slopes_H
        )


class Rounded:
    """A rotary table whose results are rounded."""

    def __init__(self, rotary, plan):
        self._rotary, self._plan = rotary, plan

    def rotate(self, both):
        return stored_as(self._rotary.rotate(both), self._plan)


def pooled(model, plan, tokens, packs, device, *, rounding=None, seed=0, jitter=0.0):
    """Embeddings [S, D] in FP64, the mean over residues; with `rounding` every point is rounded."""
    generator = torch.Generator(device).manual_seed(seed)

    def look(name, value):
        rounded = rounding.value(name, value)
        if name == "embedding" and seed:
            noise = torch.rand(value.shape, generator=generator, dtype=value.dtype, device=device) * 2 - 1
            rounded = rounding.value(name, value * (1 + jitter * noise))
        return rounded

    found_SD = None
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(precision.matmul_mode(plan))
        if rounding is not None:
            stack.enter_context(looking(model, look))
            stack.enter_context(rounding.entering_norms(model))
        for pack in packs:
            placed = place(tokens, pack, device)
            hidden_ND = model(placed.ids_N, placed.layout).double()
            ends = np.cumsum(tokens.lengths_S[pack])
            for row, end, length in zip(pack, ends, tokens.lengths_S[pack], strict=True):
                mean_D = hidden_ND[end - length + 1 : end - 1].mean(0).cpu().numpy()
                found_SD = np.empty((len(tokens.lengths_S), len(mean_D))) if found_SD is None else found_SD
                found_SD[row] = mean_D
    return found_SD


def ideal(source, fmt, device):
    """The twin of a format: model and rounding."""
    plan = plain_plan(fmt)
    rounding = Rounding(plan)
    model = load(source, Rounding.math, device).model
    round_weights(model, rounding.weight)
    for layer in model.layers:
        layer.ops = RoundedOps(plan)
    return model, rounding


def measure(arguments):
    device, folder = torch.device(arguments.device), arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    source = resolve(arguments.model)
    spec = read_spec(source.path, source.name)
    everything = sequences.read(arguments.fasta)
    stratum_S = sequences.strata_of(everything.lengths_S, CUTS)
    chosen = sequences.stratified_sample(stratum_S, arguments.sequences, 0)
    data = everything.take(chosen.tolist())
    tokens = tokenize(spec, source.path, data, None)
    packs = cut(tokens.lengths_S, np.argsort(-tokens.lengths_S, kind="stable"), arguments.budget)
    np.savez(folder / "data.npz", stratum=stratum_S[chosen], names=np.array(data.ids))

    def keep(name, make):
        if (folder / f"{name}.npy").exists():
            return
        started = time.time()
        np.save(folder / f"{name}.npy", make().astype(np.float32))
        print(f"{name:28s} {time.time() - started:7.1f} s", flush=True)

    def rounded(fmt, seed):
        model, rounding = ideal(source, fmt, device)
        math, jitter = Rounding.math, HALF_ROUNDING[fmt]
        return pooled(model, math, tokens, packs, device, rounding=rounding, seed=seed, jitter=jitter)

    def encoded(fmt, fault=None):
        plan = plain_plan(fmt)
        loaded = load(source, plan, device)
        encoder = Encoder(loaded, plan, device) if fault is None else FAULTS[fault].make(loaded, plan, device)
        found_SD = encoder.encode(tokens, packs).embeddings_SD
        back = np.empty_like(found_SD)
        back[np.concatenate(packs)] = found_SD
        return back

    keep("exact", lambda: pooled(load(source, EXACT, device).model, EXACT, tokens, packs, device))
    for seed in range(arguments.draws):
        keep(f"ideal-fp16-{seed}", lambda seed=seed: rounded("fp16", seed))
    keep("ideal-bf16-0", lambda: rounded("bf16", 0))
    for fmt in ("fp16", "bf16"):
        keep(f"engine-{fmt}", lambda fmt=fmt: encoded(fmt))
    for fault, kind in FAULTS.items():
        if kind.arm == "candidate":
            keep(f"fault-{fault}", lambda fault=fault: encoded("fp16", fault))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("measure")
    first.add_argument("model")
    first.add_argument("fasta", type=Path)
    first.add_argument("folder", type=Path)
    first.add_argument("--sequences", type=int, default=10_000)
    first.add_argument("--draws", type=int, default=4)
    first.add_argument("--device", default="cpu")
    first.add_argument("--budget", type=int, default=8_192)
    first.set_defaults(run=measure)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
