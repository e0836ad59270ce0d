"""Dataset, model and environment rows of a planned run, and its two comparability keys."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.sqlite import insert

from vp_tui.core import fingerprint
from vp_tui.core.events import now_us
from vp_tui.core.store import tables
from vp_tui.core.store.rows import as_json, from_json

Facts = Mapping[str, Any]


def link(connection: Connection, run_id: int, *, dataset: Facts, model: Facts, environment: Facts) -> None:
    """Find or add the rows a run refers to and set both keys; unknown facts stay NULL.

    The three mappings are those of the run record, as JSON types (no NaN).
    """
    config = from_json(
        connection.execute(select(tables.run.c.config_json).where(tables.run.c.id == run_id)).scalar_one()
    )
    facts = {"config": config, "dataset": dataset, "model": model, "environment": environment}
    accuracy, perf = fingerprint.accuracy_facts(**facts), fingerprint.perf_facts(**facts)
    values = {
        "dataset_id": _dataset(connection, dataset),
        "model_id": _model(connection, model, dataset.get("tokenizer")),
        "environment_id": _environment(connection, environment),
        "accuracy_key": fingerprint.key_of(accuracy),
        "perf_key": fingerprint.key_of(perf),
        "accuracy_facts_json": as_json(accuracy),
        "perf_facts_json": as_json(perf),
    }
    connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(**values))


def _dataset(connection: Connection, facts: Facts) -> int | None:
    strata, n = facts.get("strata"), facts.get("n")
    if not (facts.get("sha256") and facts.get("cuts") and strata and n == sum(strata.values())):
        return None
    row = {
        "sha256": facts["sha256"],
        "cuts_json": as_json(facts["cuts"]),
        "name": facts.get("name", ""),
        "n_total": n,
        **{f"n_{name}": strata.get(name, 0) for name in ("short", "medium", "long")},
        "sampler_seed": facts.get("seed"),
        "source_uri": facts.get("path"),
        "manifest_json": as_json(facts),
    }
    return _found_or_added(connection, tables.dataset, row, ("sha256", "cuts_json"))


def _model(connection: Connection, facts: Facts, tokenizer: str | None) -> int | None:
    if not facts.get("weights_sha256"):
        return None
    row = {
        "repo_id": facts.get("given") or facts.get("name") or "",
        "revision": facts.get("revision") or "",
        "weights_sha256": facts["weights_sha256"],
        "tokenizer": tokenizer,
        "arch": facts.get("kind") or "",
        "n_params": facts.get("parameters"),
    }
    return _found_or_added(connection, tables.model_artifact, row, ("repo_id", "revision", "weights_sha256"))


def _environment(connection: Connection, facts: Facts) -> int | None:
    if not facts.get("torch"):
        return None
    deciding = fingerprint.environment_facts(facts)
    on_gpu = deciding["device_type"] == "cuda"
    same_name = ("compute_capability", "power_limit_w", "driver", "cuda", "cudnn", "torch")
    also = ("transformers", "flash_attn", "python", "sqlite", "cores", "os")
    row = {
        "perf_fingerprint": fingerprint.hash_of(deciding),
        **{name: facts.get(name) for name in (*same_name, *also)},
        "gpu_name": facts.get("device_name") if on_gpu else None,
        "cpu_model": facts.get("cpu_model") or (None if on_gpu else facts.get("device_name")),
        "facts_json": as_json(deciding),
        "created_at_us": now_us(),
    }
    return _found_or_added(connection, tables.environment, row, ("perf_fingerprint",))


def _found_or_added(connection: Connection, table: Table, row: Facts, unique: tuple[str, ...]) -> int:
    """Return the id of the row with these unique columns; an existing row is not changed."""
    connection.execute(insert(table).values(**row).on_conflict_do_nothing(index_elements=unique))
    same = [table.c[name] == row[name] for name in unique]
    return int(connection.execute(select(table.c.id).where(*same)).scalar_one())
