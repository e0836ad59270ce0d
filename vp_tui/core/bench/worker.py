"""The worker process of `vp-tui bench`, and the JSON document that it writes (docs/bench-document.md has every field).

Progress goes to stderr, the document to the file --output. SIGINT, SIGTERM or SIGHUP ends it early with what
was measured so far; a second one at once and without a document.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from vp_tui.core.bench.ceilings import Ceilings, Rate
from vp_tui.core.bench.conditions import Conditions, throttle_words
from vp_tui.core.bench.model import Bench, ModelResult, bench
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.results import Result
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.errors import ExitCode
from vp_tui.core.text import safe

SCHEMA_VERSION: Final = 2
"""1 had goals, overheads and a waterfall of techniques, which are developer benchmarks now."""


def document(found: Bench, created_at: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "bench",
        "created_at": created_at,
        "stopped": found.stopped,
        "environment": dict(found.environment),
        "options": asdict(found.options),
        "protocol": {
            "blocks": found.protocol.blocks,
            "settle_seconds": found.protocol.settle_s,
            "warm_up_seconds": found.protocol.warm_up_s,
            "warm_up_window": found.protocol.window,
        },
        "copy_gb_per_s": _rate(found.copying),
        "models": [_model(model) for model in found.models],
    }


def _model(found: ModelResult) -> dict[str, Any]:
    spec, lengths_S = found.weights.spec, found.tokens.lengths_S
    return {
        "name": found.weights.name,
        "random_weights": found.weights.source is None,
        "shape": {
            "kind": spec.kind,
            "layers": spec.num_layers,
            "hidden": spec.hidden,
            "heads": spec.num_heads,
            "ffn": spec.ffn,
            "parameters": spec.num_parameters,
        },
        "block": {
            "sequences": len(lengths_S),
            "tokens": int(lengths_S.sum()),
            "mean_length": float(lengths_S.mean()),
            "longest": int(lengths_S.max()),
            "flops": found.flops,
            "token_budget": found.budget,
            "token_budget_reason": found.budget_reason,
        },
        "ceilings": [_ceilings(one) for one in found.ceilings],
        "results": [_result(one) for one in found.results],
        "absent": [asdict(one) for one in found.absent],
        "ratios": [asdict(one) for one in found.ratios],
        "notes": list(found.notes),
    }


def _ceilings(found: Ceilings) -> dict[str, Any]:
    matmuls, attention = found.matmuls, found.attention
    return {
        "precision": found.precision,
        "matmul_tflops": None if matmuls is None else _rate(matmuls.chain),
        "matmul_shapes": {} if matmuls is None else dict(matmuls.shapes),
        "matmul_rows": None if matmuls is None else matmuls.rows,
        "attention_kernel": found.attention_kernel,
        "attention_tflops": None if attention is None else _rate(attention),
        "reason": found.reason,
    }


def _rate(found: Rate) -> dict[str, Any]:
    return {"sustained": found.sustained, "burst": found.burst, "samples": list(found.samples)}


def _result(found: Result) -> dict[str, Any]:
    warm_up = found.warm_up
    return {
        "engine": found.engine,
        "precision": found.precision,
        "attention": found.attention,
        "ops": found.ops,
        "batch_tokens": found.batch_tokens,
        "tokens_per_s": None if found.tokens_per_s is None else asdict(found.tokens_per_s),
        "mfu": found.mfu,
        "share_of_matmul_sustained": found.of_sustained,
        "share_of_matmul_burst": found.of_burst,
        "conditions": _conditions(found.conditions),
        "rejected_blocks": found.rejected,
        "warm_up": None if warm_up is None else {"seconds": list(warm_up.seconds), "steady": warm_up.steady},
        "blocks": [
            {
                "round": block.round,
                "seconds": block.seconds,
                "rejected": block.rejected,
                "conditions": _conditions(block.conditions),
            }
            for block in found.blocks
        ],
        "error": found.error,
    }


def _conditions(found: Conditions | None) -> Mapping[str, Any] | None:
    if found is None:
        return None
    return {**asdict(found), "throttle_words": list(throttle_words(found.throttle_reasons))}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--options", required=True, help="the fields of Options as a JSON object")


def main(given: argparse.Namespace) -> int:
    asked = json.loads(given.options).items()
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in asked}
    with Stopping(_log) as stopping:
        found = bench(Options(**fields), _log, stopping)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    given.output.write_text(json.dumps(document(found, created_at), allow_nan=False), encoding="utf-8")
    return int(ExitCode.INTERRUPTED if found.stopped else ExitCode.GOOD)


def _log(text: str) -> None:
    sys.stderr.write(f"{safe(text)}\n")
