"""How well a search finds planted culprits: `python tests/bench/planted_search.py --count 100`.

Plants faults in tiny checkpoints with random weights (fixed seeds), searches each, and prints per kind how often the
found set is the planted one, how many trials that took, and how often the plan passes on unseen sequences. A found set
is exact when it contains every planted unit and none that can be dropped: when it equals the planted set.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from planted import planted
from search_parts import search, searchable

from vp_tui.core.errors import VpTuiError

CASES = (
    ("esm2", "ffn-overflow", 1), ("esm2", "score-overflow", 1), ("esm2", "residual-overflow", 1),
    ("esm2", "cancellation", 1), ("esm2", "weight-rounding", 1), ("esm2", "weight-rounding", 3),
    ("esm2", "weight-rounding", 8), ("dnabert-s", "ffn-overflow", 1), ("dnabert-s", "score-overflow", 1),
    ("dnabert-s", "residual-overflow", 1), ("dnabert-s", "cancellation", 1), ("dnabert-s", "weight-rounding", 3),
)  # fmt: skip
"""Model, kind, sites."""


def one(model, kind, sites, seed, folder):
    """Plant, search, and compare what was found with what was planted."""
    checkpoint, document = planted(kind, seed, folder, model=model, culprits=sites)
    found = searchable(checkpoint, folder / "run")
    result = search(found, "--budget", "80").result()
    wanted, got = set(document["culprits"]), set(result.plan.kept if result.plan else ())
    return {
        "model": model, "kind": kind, "sites": sites, "seed": seed, "units": len(wanted), "trials": result.trials,
        "status": result.status, "missing": sorted(wanted - got), "surplus": sorted(got - wanted),
    }  # fmt: skip


def attempt(case):
    """The row of one case; one that cannot be planted says why."""
    torch.set_num_threads(1)
    model, kind, sites, seed = case
    with tempfile.TemporaryDirectory() as folder:
        try:
            return one(model, kind, sites, seed, Path(folder))
        except VpTuiError as error:
            return {"model": model, "kind": kind, "sites": sites, "seed": seed, "error": str(error)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--only", default="", help="part of `model kind`")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    wanted = [
        (*case, index // len(CASES))
        for index in range(options.count)
        if options.only in " ".join(map(str, (case := CASES[index % len(CASES)])[:2]))
    ]
    rows = defaultdict(list)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for row in pool.map(attempt, wanted):
            print(json.dumps(row), flush=True)
            rows[row["model"], row["kind"], row["sites"]].append(row)
    everything = [row for mine in rows.values() for row in mine if "error" not in row]
    exact = sum(not row["missing"] and not row["surplus"] for row in everything)
    confirmed = sum(row["status"] == "confirmed" for row in everything)
    print(f"all: planted {len(everything)}, exact {exact}, confirmed {confirmed}")
    for key, mine in rows.items():
        ended = [row for row in mine if "error" not in row]
        exact = sum(not row["missing"] and not row["surplus"] for row in ended)
        confirmed = sum(row["status"] == "confirmed" for row in ended)
        trials = statistics.median(row["trials"] for row in ended) if ended else None
        print(*key, f"planted {len(ended)}, exact {exact}, confirmed {confirmed}, median trials {trials}")


if __name__ == "__main__":
    main()
