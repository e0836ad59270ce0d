"""Two GPUs against one, random weights: encoding alone, runs with all measures, a folder of embeddings. Prints JSON.

    python tests/bench/two_gpus.py [--only encode|run|embed] [--model 3b|dna] [--tiny]

--tiny: two processes on the CPU and tiny models, to try the script. About 9 minutes on two H200. Needs the extra ray.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch

from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.random_weights import shape_of
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.queueing import delayed
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.inputs.tokens import VOCABULARY
from vp_tui.core.models.loading import load
from vp_tui.core.runs.devices import Devices
from vp_tui.core.shards import manifest
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.embedder import started
from vp_tui.core.workers.fleet import cluster
from vp_tui.core.workers.fleet import fleet as fleets
from vp_tui.core.workers.fleet.actor import Order
from vp_tui.core.workers.fleet.device import RayDevice
from vp_tui.core.workers.validate.arms import PlainEncoders
from vp_tui.core.workers.validate.budget import Budget

BUDGET = 33_792
TOKENS = {"3b": 1_600_000, "dna": 32_000_000}
SEQUENCES = {"3b": 4_000, "dna": 50_000}
REFERENCE = {"3b": "bf16", "dna": "fp32"}
MIX = {"3b": ("uniref", "esm2-3b"), "dna": ("virnucpro", "dnabert-s")}


def checkpoint_3b(folder, tiny):
    """Write an ESM-2 of the 3B shape with random FP16 weights."""
    from transformers import EsmConfig, EsmForMaskedLM

    hidden, layers, heads = (64, 2, 4) if tiny else (2560, 36, 40)
    config = EsmConfig(
        vocab_size=33, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * hidden, position_embedding_type="rotary", token_dropout=True,
        emb_layer_norm_before=False, mask_token_id=32, pad_token_id=1, layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device("cpu" if tiny else "cuda"):
        EsmForMaskedLM(config).half().save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")


def checkpoint_dna(folder, tiny):
    """Write a DNABERT-S of the published shape with random weights and a vocabulary of synthetic DNA."""
    shape = {"num_layers": 2, "hidden": 64, "num_heads": 4}
    make_dnabert(folder, **(shape if tiny else {"num_layers": 12, "hidden": 768, "num_heads": 12, "ffn": 3072}))


def checkpoint(name, place, tiny):
    folder = place / name
    if not folder.exists():
        folder.mkdir()
        {"3b": checkpoint_3b, "dna": checkpoint_dna}[name](folder, tiny)
    return folder


@contextmanager
def counted():
    """Count calls to devices, and the seconds that this process waits for them: who waits where a ratio is low."""
    found = SimpleNamespace(calls=0, waited_s=0.0)
    submit, ready = RayDevice.submit, fleets.ready

    def call(device, works):
        found.calls += 1
        return submit(device, works)

    def wait(tickets, seconds):
        began_s = time.perf_counter()
        done = ready(tickets, seconds)
        found.waited_s += time.perf_counter() - began_s
        return done

    with mock.patch.object(RayDevice, "submit", call), mock.patch.object(fleets, "ready", wait):
        yield found


def encode_all(encoder, tokens, budget):
    """Encode as `vp-tui embed` does; return the embeddings, and tokens/s and shares of the wall clock."""
    limit = Budget(budget, int(tokens.lengths_S.max()), print)
    blocks = started(encoder, tokens, np.zeros(len(tokens.lengths_S), np.int64), limit)
    found_SD, encode_s = None, 0.0
    encoder.drain()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for running in delayed(blocks, encoder.ahead):
        block = running.finish()
        if found_SD is None:
            found_SD = np.empty((len(tokens.lengths_S), block.embeddings_SD.shape[1]), np.float32)
        found_SD[block.seq_indices_S] = block.embeddings_SD
        encode_s += block.encode_s
    wall_s = time.perf_counter() - began_s
    rate, cpu_s = round(int(tokens.lengths_S.sum()) / wall_s), time.process_time() - began_cpu_s
    return found_SD, {"wall_s": wall_s, "tokens_per_s": rate, "encoding": encode_s / wall_s, "own_cpu": cpu_s / wall_s}


def warm(encoder, tokens, budget):
    """Compile the kernels for short, long and full packed batches."""
    order = np.argsort(-tokens.lengths_S)
    for _ in range(3):
        encoder.encode(tokens, [order[:8], order[-8:], *packing.by_length(tokens.lengths_S, budget)[:3]])


def encoding_alone(name, place, tiny):
    """Encode on one device without Ray, on one with Ray, and on two."""
    plan, budget = plain_plan("fp32" if tiny else "fp16"), 2048 if tiny else BUDGET
    device = torch.device("cpu") if tiny else torch.device("cuda", 0)
    source = resolve(str(checkpoint(name, place, tiny)))
    mix, shape = MIX[name]
    tokens = drawer(mix, shape_of(shape), None)(60_000 if tiny else TOKENS[name])
    encoder = Encoder(load(source, plan, device), plan, device)
    warm(encoder, tokens, budget)
    alone_SD, alone = encode_all(encoder, tokens, budget)
    tell(model=name, devices="one without Ray", **alone)
    del encoder
    for count in (1, 2):
        asked = Devices("cpu", None, count) if tiny else Devices("cuda", tuple(range(count)), count)
        with counted() as seen, cluster.started(asked, None, print) as fleet:
            order = Order(
                arm="candidate", source=source, plan=plan, attention="auto", spare_fp32=False, linear="native",
                encoders=PlainEncoders(),
            )  # fmt: skip
            _, encoder = fleet.load(order)
            warm(encoder, tokens, budget)
            packs, calls, waited_s = sum(row.packs for row in fleet.rows()), seen.calls, seen.waited_s
            found_SD, rate = encode_all(encoder, tokens, budget)
            rate["calls"], rate["waiting"] = seen.calls - calls, (seen.waited_s - waited_s) / rate["wall_s"]
            rate["packed_batches"] = sum(row.packs for row in fleet.rows()) - packs
        ratio = rate["tokens_per_s"] / alone["tokens_per_s"]
        tell(model=name, devices=count, ratio=ratio, equal=bool(np.array_equal(found_SD, alone_SD)), **rate)


def write_fasta(path, made):
    path.write_bytes(b"".join(b">s%d\n%s\n" % (i, letters) for i, letters in enumerate(made)))


def whole_runs(name, place, tiny):
    """The same run on one device and on two."""
    path, count = place / f"{name}.fasta", 300 if tiny else SEQUENCES[name]
    rng = np.random.default_rng(0)
    if name == "3b":
        made = random_proteins(np.clip(rng.gamma(2.0, 150.0, count), 30, 1022).astype(np.int64), 0)
    else:
        made = random_coding_dna(rng.integers(150, 800, count), 0)
    write_fasta(path, made)
    model = checkpoint(name, place, tiny)
    for devices in (["--device", "cpu" if tiny else "cuda:0"], ["--devices", "cpu:2" if tiny else "0,1"]):
        command = [sys.executable, "-m", "vp_tui.tui.cli", "run", "-m", str(model), "-i", str(path), "--fp32-compare"]
        command += ["--sample", str(count), "--reference", "fp32" if tiny else REFERENCE[name], "--json", *devices]
        began_s = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=900, check=False)
        document = json.loads(done.stdout)
        arms = {
            arm: {key: one[key] for key in ("precision", "tokens_per_s", "seconds", "end_to_end_seconds")}
            for arm, one in document["arms"].items()
        }
        wall_s, shared = round(time.perf_counter() - began_s, 1), document["measures"]["details"].get("devices")
        tell(model=name, command=devices, wall_s=wall_s, verdict=document["verdict"], arms=arms, devices=shared)


def folders(name, place, tiny):
    """`embed` of the same reads into a folder on one device and on two; the rate is that from the first file on."""
    if name != "dna":
        return
    count, per_file = (6_000, 1_000) if tiny else (600_000, 40_000)
    path = place / "many.fasta"
    made = random_coding_dna(np.random.default_rng(1).integers(150, 800, count), 1)
    write_fasta(path, made)
    model, found = checkpoint(name, place, tiny), {}
    for devices in (["--device", "cpu" if tiny else "cuda:0"], ["--devices", "cpu:2" if tiny else "0,1"]):
        folder = place / f"embedded-on-{devices[-1]}"
        command = [sys.executable, "-m", "vp_tui.tui.cli", "embed", "-m", str(model), "-i", str(path), *devices]
        command += ["-o", f"{folder}/", "--precision", "fp32" if tiny else "fp16", "--per-file", str(per_file)]
        began_s = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600, check=True)
        wall_s = time.perf_counter() - began_s
        files = manifest.read(folder).files
        ended_s = sorted((folder / file.name).stat().st_mtime_ns / 1e9 for file in files)
        rate = per_file * (len(files) - 1) / (ended_s[-1] - ended_s[0])
        found[devices[-1]] = [file.sha256 for file in files]
        equal = all(one == found[devices[-1]] for one in found.values())
        tell(model=name, command=devices, wall_s=round(wall_s, 1), sequences_per_s=round(rate), equal=equal)


def tell(**facts):
    print(json.dumps(facts), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["encode", "run", "embed"])
    parser.add_argument("--model", choices=["3b", "dna"], action="append")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    parts = {"encode": encoding_alone, "run": whole_runs, "embed": folders}
    with tempfile.TemporaryDirectory() as place:
        for part, work in parts.items():
            for name in options.model or ["dna", "3b"]:
                if options.only in {None, part}:
                    work(name, Path(place), options.tiny)


if __name__ == "__main__":
    main()
