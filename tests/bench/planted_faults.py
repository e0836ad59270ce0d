"""Every fault of the engine in a real run under strict gates: which gates fail, and their margins; a program, no test.

    python tests/bench/planted_faults.py MODEL FASTA [--sample N] [--precision fp16]

A margin is the number over the limit that it misses, or the distance from 1 of a similarity over that of its limit.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.faults import ENGINE_FAULTS
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.workers.validate.faulty_run import encoders_of
from vp_tui.core.workers.validate.run import plain_encoders
from vp_tui.core.workers.validate.validation import Place, Setting, validate


def finished(config, cache):
    with tempfile.TemporaryDirectory() as folder:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        setting = Setting(
            config=config,
            place=Place(run_uuid="0" * 32, folder=Path(folder), cache=cache),
            device=device,
            device_reason="asked for",
            sampler=Sampler(None, print),
            encoders=(encoders_of if config.fault else plain_encoders)(config),
        )
        return list(validate(setting))[-1]


def margin(finding):
    gate = BY_ID[finding.gate]
    value, limit = finding.value, finding.limit
    if value is None or limit is None:
        return ""
    if gate.sense == "away_from_one":
        return f"{abs(value - 1) / abs(limit - 1):.3g}"
    if gate.sense in {"below", "at_or_below"} and 0 < limit < 1:
        return f"{(1 - value) / (1 - limit):.3g}"
    return f"{value:g}" if limit == 0 else f"{value / limit:.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("fasta")
    parser.add_argument("--sample", type=int, default=90)
    parser.add_argument("--precision", default="fp16")
    given = parser.parse_args()
    print("| fault | mission | strict | gates that fail under strict (margin) |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for fault in (None, *ENGINE_FAULTS):
            words, told = [], {}
            for gates in ("mission", "strict"):
                config = RunConfig(
                    model=given.model, input=given.fasta, sample=given.sample, fault=fault, gates=gates,
                    precision=given.precision, oracle=64,
                )  # fmt: skip
                end = finished(config, Path(cache))
                words.append(end.verdict)
                for one in end.findings:
                    if one.severity == "fail":
                        told.setdefault(one.gate, margin(one))
            cells = ", ".join(f"{gate} ({size})" if size else gate for gate, size in told.items())
            print(f"| {fault or 'none'} | {' | '.join(words)} | {cells or '-'} |", flush=True)


if __name__ == "__main__":
    main()
