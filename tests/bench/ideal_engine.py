"""How often the gates fire on an engine that cannot be better, for docs/measures.md; a program, not a test.

    python tests/bench/ideal_engine.py measure MODEL FASTA FOLDER [--sequences N] [--draws N] [--device cuda]
    python tests/bench/ideal_engine.py table FOLDER ideal-fp16-0

`measure` keeps the embeddings of an exact pass (FP64), of ideal engines in FP16 and BF16, of the engine of this package
in both formats, and of the engine with each injected fault. An ideal engine computes exactly and rounds every stored
value once (engine.probe.twin); `draws` of them differ in an error of half a rounding of the token embeddings. `table`
judges random samples of them, as many short, medium and long sequences as a run would take.
"""

import argparse
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder, place
from vp_tui.core.engine.faults.inject import FAULTS
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.engine.probe.sample import cut
from vp_tui.core.engine.probe.twin import Rounding, round_weights
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.table import EMBEDDING_GATES
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokenizing import tokenize
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.models import precision
from vp_tui.core.models.loading import load, read_spec
from vp_tui.core.models.precision import EXACT
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.evaluate import reach_of, scopes_of, value_of

CUTS = (64, 128)
HALF_ROUNDING = {"fp16": 2.0**-12, "bf16": 2.0**-9}


def pooled(model, plan, tokens, packs, device, *, rounding=None, seed=0, jitter=0.0):
    """Embeddings [S, D] in FP64, the mean over residues; with `rounding` every point is rounded."""
    generator = torch.Generator(device).manual_seed(seed)

    def look(name, value):
        rounded = rounding.value(name, value)
        if name == "embedding" and seed:
            # not rounded here: the scaled embedding that enters the first norm is
            noise = torch.rand(value.shape, generator=generator, dtype=value.dtype, device=device) * 2 - 1
            rounded = value * (1 + jitter * noise)
        return rounded

    found_SD = None
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(precision.matmul_mode(plan))
        if rounding is not None:
            stack.enter_context(looking(model, look))
            stack.enter_context(rounding.inside(model))
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
    rounding = Rounding(plan, "esm2")
    model = load(source, Rounding.math, device).model
    round_weights(model, rounding.weight)
    return model, rounding


def measure(arguments):  # noqa: C901  (one closure per kind of engine)
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


DRAWS = {30: 200, 100: 100, 1_000: 30, 10_000: 8}
"""Sequences of a sample -> samples."""


def samples(stratum_S, num):
    """Rows of random samples as a run takes them; of everything: all, then as many drawn with replacement."""
    everything = np.arange(len(stratum_S))
    for seed in range(DRAWS[num]):
        if num < len(stratum_S):
            yield sequences.stratified_sample(stratum_S, num, seed)
        else:
            drawn = np.sort(np.random.default_rng(seed).choice(everything, num))
            yield everything if seed == 0 else drawn


def judged(x_SD, y_SD, stratum_S, limits):
    """Gate -> its worst number, the gates that fire, and the word under mission and strict."""
    found = after_run(x_SD, y_SD, stratum_S, cosine_limit=limits.fail(M1))
    worst, fired = {}, set()
    for gate in EMBEDDING_GATES:
        scopes = [found.values[gate.measure].get(scope, {}) for scope in scopes_of(gate)]
        values = [value for numbers in scopes if (value := value_of(gate, numbers)) is not None]
        if values:
            worst[gate.id] = value_of(gate, {gate.names[0]: worst_of(gate, values)})
        if any(reach_of(gate, numbers, limits) for numbers in scopes):
            fired.add(gate.id)
    words = [judge.verdict(judge.findings((), found, limits=limits, gates=gates)) for gates in ("mission", "strict")]
    return worst, fired, words


def worst_of(gate, values):
    if gate.sense in {"below", "at_or_below"}:
        return min(values)
    centre = 1.0 if gate.sense == "away_from_one" else 0.0
    return max(values) if gate.sense == "above" else max(values, key=lambda value: abs(value - centre))


def table(arguments):
    folder, limits = arguments.folder, Thresholds()
    x_SD, stratum_S = np.load(folder / "exact.npy"), np.load(folder / "data.npz")["stratum"]
    for name in arguments.engines:
        y_SD = np.load(folder / f"{name}.npy")
        columns = {}
        for num in DRAWS:
            if num > len(x_SD):
                continue
            columns[num] = [judged(x_SD[r], y_SD[r], stratum_S[r], limits) for r in samples(stratum_S, num)]
            print(name, num, "done", flush=True)
        print(
            f"\n## {name}\n| gate | "
            + " | ".join(f"n = {num:,} ({len(found)})" for num, found in columns.items())
            + " |"
        )
        print("|---|" + "---|" * len(columns))
        for gate in EMBEDDING_GATES:
            cells = []
            for found in columns.values():
                values = [worst[gate.id] for worst, _, _ in found if gate.id in worst]
                rate = np.mean([gate.id in fired for _, fired, _ in found])
                cells.append(f"{worst_of(gate, values):.4g}, {rate:.0%}" if values else "-")
            print(f"| {gate.id}{' (note)' if gate.kind == 'information' else ''} | " + " | ".join(cells) + " |")
        for which, gates in enumerate(("mission", "strict")):
            told = [Counter(words[which] for *_, words in found) for found in columns.values()]
            cells = [", ".join(f"{word} {count}" for word, count in one.items()) for one in told]
            print(f"| {gates} | {' | '.join(cells)} |")


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
    second = commands.add_parser("table")
    second.add_argument("folder", type=Path)
    second.add_argument("engines", nargs="+", help="ideal-fp16-0, engine-fp16, ideal-bf16-0, engine-bf16")
    second.set_defaults(run=table)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
