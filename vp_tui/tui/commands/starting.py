"""Commands that start runs: demo, and the start of a single run."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from vp_tui.core.config import PLAN_PREFIX, Precision, RunConfig, built_in_plan, emulated_plan
from vp_tui.core.engine.faults import ENGINE_FAULTS
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.formats import BUILT_IN, EMULATED
from vp_tui.core.inputs import spool
from vp_tui.core.runs import launch
from vp_tui.core.runs.early import EarlyWorker
from vp_tui.core.store import plans
from vp_tui.core.store.home import Home
from vp_tui.core.thresholds import read_thresholds
from vp_tui.core.workers.demo import FAULTS, NUM_PROTEINS, NUM_READS
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import CHECKPOINT, SEQUENCES, are_made, demo_places, make_demo_files
from vp_tui.tui.commands.follow import exit_code, follow_own
from vp_tui.tui.refusals import refusal_of

_DEMO_ORACLE: Final = 24
"""Sequences in FP64: enough for every gate to find its fault (tests/test_planted_faults.py), and 6 s sooner."""


def configured(values: Mapping[str, Any]) -> RunConfig:
    """Return the RunConfig; `thresholds` is the path of a TOML file, `input` may be - or a pipe, which is copied.

    Raises:
        UsageError: names every invalid option with its value.
        InputError: a pipe that cannot be copied.
    """
    typed = dict(values)
    if "input" in typed:
        typed["input"] = spool.as_file(typed["input"], Home.from_environment(os.environ).cache)
    if str(typed.get("token_budget", "")).isdigit():
        typed["token_budget"] = int(typed["token_budget"])
    emulate = str(typed.pop("emulate", ""))
    if emulate:
        typed |= emulation_of(emulate)
    elif "precision" in typed:
        typed |= with_plan(str(typed["precision"]))
    path = typed.pop("thresholds", "")
    if path:
        typed["thresholds"] = read_thresholds(Path(path))
    try:
        return RunConfig(**typed)
    except ValidationError as error:
        found = [(str(item["loc"][0]) if item["loc"] else "strata", item) for item in error.errors()]
        wrong = [f"--{name.replace('_', '-')}: {refusal_of(item)}{_got(item)}" for name, item in found]
        raise UsageError("; ".join(dict.fromkeys(wrong))) from error


def _got(item: Mapping[str, Any]) -> str:
    """Return the refused value; an error without a place has the whole configuration there, and names its value."""
    return f" (got {item['input']!r})" if item["loc"] else ""


def with_plan(precision: str) -> dict[str, Any]:
    """Return precision and plan of a RunConfig for the value of --precision.

    Raises:
        UsageError: no such plan.
    """
    if precision in get_args(Precision):
        return {"precision": precision}
    if precision in BUILT_IN:
        plan = built_in_plan(precision)
        return {"precision": plan.precision, "plan": plan}
    is_plan = precision.startswith(PLAN_PREFIX) or precision.endswith(".json") or "/" in precision
    if not is_plan:
        raise UsageError(
            f"--precision {precision!r}: use one of {', '.join((*get_args(Precision), *BUILT_IN))}, "
            "plan:NAME or a plan file"
        )
    stored = plans.load(Home.from_environment(os.environ), precision)
    if stored.is_edited:
        sys.stderr.write(f"plan {stored.plan.name} was edited since it was written: runs of it are a plan of its own\n")
    return {"precision": stored.plan.precision, "plan": stored.plan}


def emulation_of(name: str) -> dict[str, Any]:
    """Return precision and plan of a RunConfig for the value of --emulate.

    Raises:
        UsageError: no format is emulated under that name.
    """
    if name not in EMULATED:
        raise UsageError(f"--emulate {name!r}: use one of {', '.join(EMULATED)}")
    plan = emulated_plan(name)
    return {"precision": plan.precision, "plan": plan}


def start_and_follow(
    home: Home,
    config: RunConfig,
    *,
    detach: bool,
    as_json: bool,
    resumed: str | None = None,
    early: EarlyWorker | None = None,
) -> int:
    """Start a run; with `detach` print its id, otherwise follow it to its end and print the result.

    `resumed` and `early` as in launch.create_and_start.
    """
    run_id = launch.create_and_start(home, config, resumed=resumed, early=early)
    if detach:
        output.result(str(run_id))
        output.say(f"run #{run_id} runs in the background; `vp-tui watch {run_id}` follows it")
        return ExitCode.GOOD
    snapshot = follow_own(home, run_id)
    output.print_run(snapshot, as_json=as_json)
    return exit_code(snapshot)


def run_demo(home: Home, *, fault: str | None, gates: str, on_screen: bool, as_json: bool, devices: str = "") -> int:
    """Create the demo files if missing, validate both models and show the runs; return the most severe exit code.

    An injected fault affects ESM-2 only, so there is one run then.
    """
    if fault is not None and fault not in {**FAULTS, **ENGINE_FAULTS}:
        raise UsageError(f"--fault {fault!r}: use one of {', '.join([*FAULTS, *ENGINE_FAULTS])}")
    in_engine = fault if fault in ENGINE_FAULTS else None
    places = _demo_files(home, None if in_engine else fault)
    if in_engine:
        places = {f"demo-{in_engine}": places["demo"]}
    shared = {"gates": gates, "devices": devices, "fault": in_engine, "oracle": _DEMO_ORACLE}
    configs = [
        configured({"model": str(place / CHECKPOINT), "input": str(place / SEQUENCES), "name": name, **shared})
        for name, place in places.items()
    ]
    if on_screen:
        # both at once: they queue for the device, and Runs lists them
        run_ids = [launch.create_and_start(home, config) for config in configs]
        from vp_tui.tui.dashboard import run_dashboard

        return run_dashboard(home, run_ids[0])
    snapshots = []
    for config in configs:
        snapshots.append(follow_own(home, launch.create_and_start(home, config)))
        output.print_report(snapshots[-1], as_json=as_json)
    if as_json:
        output.print_documents(snapshots, as_list=len(snapshots) > 1)
    return max(map(exit_code, snapshots))


def _demo_files(home: Home, fault: str | None) -> dict[str, Path]:
    if not are_made(demo_places(home, fault)):
        dna = f", a tiny DNABERT-S and {NUM_READS} reads" if fault is None else ""
        sys.stderr.write(f"making a tiny ESM-2 and {NUM_PROTEINS} synthetic proteins{dna} ...\n")
    return make_demo_files(home, fault)


def print_faults() -> int:
    faults = {**FAULTS, **ENGINE_FAULTS}
    width = max(map(len, faults))
    sys.stdout.write("".join(f"{name:<{width}}  {text}\n" for name, text in faults.items()))
    return ExitCode.GOOD
