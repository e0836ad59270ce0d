"""A store with runs worth comparing: a baseline, slow repeats, other machines and data, broken and hostile ones."""

import sqlite3

from stored_runs import complete, slow_down

from vp_tui.core.config import RunConfig
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.upkeep import delete_run

HOSTILE = "[red]x[/] \x1b[31m\n\u202e" + "very-long-name" * 12
OTHERWISE = {
    "dataset": {"sha256": "00" * 32, "cuts": [32], "tokenizer": "other"},
    "checkpoint": {"weights_sha256": "11" * 32, "pooling": "first", "max_residues": 512},
    "environment": {
        "torch": "2.14.0", "device_name": "H200", "compute_capability": "9.0", "transformers": "5", "flash_attn": "3",
        "threads": 8, "schedule": "AB",
    },
}  # fmt: skip
"""Eight facts of the accuracy key, and five of the performance key besides."""
SLOW, FIRST = 20, 11
"""The newest of the slow runs, the first of the baseline."""


def change(home, statement, *values):
    connection = sqlite3.connect(home.database)
    with connection:
        connection.execute(statement, values)
    connection.close()


def made(folder):
    """Names of runs -> id, beside the five of the baseline `default` and five slow ones; `home` is the store."""
    from vp_tui.migrations import upgrade

    home = Home(folder / "home")
    upgrade(home)
    slow = slow_down(home)
    assert slow[-1] == SLOW
    found = {"home": home, "slow": slow[-1], "same": complete(home)}
    found["elsewhere"] = complete(home, environment={"device_name": "H200"})
    found["unlike"] = complete(home, **OTHERWISE)
    found["broken"] = complete(home, name="broken")
    change(home, "UPDATE sequence_result SET cosine = 0.5 - seq_idx * 0.01 WHERE run_id = ?", found["broken"])
    statement = "UPDATE sequence_result SET cosine = NULL, nan_count = 2 WHERE run_id = ? AND seq_idx < ?"
    change(home, statement, found["broken"], 2)
    for name in ("nan", "also nan"):
        found[name] = complete(home, name=name)
        change(home, statement, found[name], 30)
    found["hostile"] = complete(home, name=HOSTILE[:80], model=HOSTILE)
    found["other"] = complete(home)
    change(home, "UPDATE sequence_result SET seq_hash = seq_hash + 1000 WHERE run_id = ?", found["other"])
    for name in ("broken", "hostile"):
        change(home, "UPDATE sequence_result SET sequence_id = ? || seq_idx WHERE run_id = ?", HOSTILE, found[name])
    change(home, "UPDATE sequence_result SET cosine = cosine - 1e-3 WHERE run_id = ?", found["hostile"])
    for run_id in (FIRST, found["broken"]):
        for block in range(4):
            change(
                home,
                "INSERT INTO block_sample (run_id, at_us, block, arm, stratum, sequences, tokens, encode_s, wall_s, "
                "is_warmup) VALUES (?, ?, ?, 'candidate', 'short', 8, 400, 0.1, 0.2, 0)",
                run_id, block * 1_000_000, block,
            )  # fmt: skip
    found["failed"] = complete(home, stopped="failed")
    found["gone"] = complete(home)
    found["active"] = lifecycle.create_run(home, RunConfig(model="esm2-8m", input="/data/reads.faa"))
    # a run that nobody claims within a minute counts as never started
    lifecycle.register_worker(home, found["active"], lifecycle.this_worker())
    delete_run(home, found["gone"])
    return found
