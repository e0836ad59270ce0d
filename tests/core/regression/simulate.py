"""How often the regression rule is right, simulated: python tests/core/regression/simulate.py --trials 1000.

The tables of docs/comparisons.md come from here; tests run a few trials of the same. Speeds are log-normal; a session
shifts both arms of its runs alike, runs and arms have independent noise on top, which is the hardest case for the
control. Errors of sound re-runs are redrawn independently for every sequence, with the measured spread.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.regression.calibration import noise_floor
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, RunSample, Side

RULE = Rule(resamples=1000)
PRIMARY = "end_to_end_tokens_per_s"
OTHERS = ("tokens_per_s", "end_to_end_seconds")
DAY_SD = 0.028
"""Of a session: two days differ by 4 %."""
REDRAW_SD = 0.74
"""Of ln(1 - cosine) of one sequence, between two sound runs: measured on ESM-2 8M."""


def side(generator, name, count, *, cv, loss=0.0, day=0.0, has_control=True):
    """Runs of one session; `loss` 0.1: takes 10 % longer."""
    shift = day * generator.normal()

    def speeds(scale):
        return scale * np.exp(shift + cv * generator.normal(size=count))

    own = {metric: speeds(1000.0 / (1 + loss)) for metric in (PRIMARY, *OTHERS)}
    own["end_to_end_seconds"] = 1e6 / own[PRIMARY]
    reference = {metric: speeds(100.0) for metric in own} if has_control else {}
    if has_control:
        reference["end_to_end_seconds"] = 1e6 / reference[PRIMARY]
    return Side(
        runs=tuple(
            RunSample(
                uuid=f"{name}{i:02d}", label=name, accuracy_key="a", perf_key="p", done=1, total=1,
                performance={metric: float(values[i]) for metric, values in own.items()},
                reference={metric: float(values[i]) for metric, values in reference.items()},
                session=name if day else "one",
            )
            for i in range(count)
        )
    )  # fmt: skip


def speed_outcomes(seed, trials, counts=(1, 1), *, cv, loss=0.0, day=0.0, calibrated=True, has_control=True):
    """Outcome of performance -> share of the trials."""
    generator, found = np.random.default_rng(seed), Counter()
    for _ in range(trials):
        noise = noise_floor(side(generator, "a", 10, cv=cv), RULE) if calibrated else None
        base = side(generator, "b", counts[0], cv=cv, day=day, has_control=has_control)
        cand = side(generator, "c", counts[1], cv=cv, loss=loss, day=day, has_control=has_control)
        found[compare(base, cand, None, rule=RULE, calibration=noise).verdicts["performance"]] += 1
    return {outcome: count / trials for outcome, count in found.items()}


def redrawn(generator, n, *, sd=REDRAW_SD, last_bits=False, factor=1.0):
    """Pairs of two sound runs whose errors are independent redraws, or differ in the last bits of FP32."""
    middle_S = 5e-7 * generator.lognormal(0.0, 1.0, n)
    base_E = middle_S * np.exp(sd * generator.normal(size=n))
    cand_E = middle_S * np.exp(sd * generator.normal(size=n))
    length_b, length_c = (1 + 2e-4 * generator.normal(size=n) for _ in range(2))
    if last_bits:
        cand_E, length_c = (
            base_E * (1 + 1e-4 * generator.normal(size=n)),
            length_b * (1 + 6e-8 * generator.normal(size=n)),
        )
    cand_E = cand_E * factor
    none_S = np.zeros(n, bool)
    return PairedAccuracy(
        baseline_cosine_S=1 - base_E,
        candidate_cosine_S=1 - cand_E,
        baseline_relative_l2_S=np.sqrt(2 * base_E + (length_b - 1) ** 2),
        candidate_relative_l2_S=np.sqrt(2 * cand_E + (length_c - 1) ** 2),
        baseline_norm_ratio_S=length_b,
        candidate_norm_ratio_S=length_c,
        baseline_nonfinite_S=none_S,
        candidate_nonfinite_S=none_S,
        stratum_S=np.repeat(STRATA, -(-n // 3))[:n],
    )


def accuracy_outcomes(seed, trials, n, **how):
    """Outcome of accuracy -> share of the trials, and the share of trials with a note on the shape."""
    generator, found, shapes = np.random.default_rng(seed), Counter(), 0
    one = Side(runs=(RunSample(uuid="b", label="b", performance={}, accuracy_key="a", perf_key=None, done=1, total=1),))
    two = Side(runs=(RunSample(uuid="c", label="c", performance={}, accuracy_key="a", perf_key=None, done=1, total=1),))
    for _ in range(trials):
        result = compare(one, two, redrawn(generator, n, **how), rule=RULE)
        found[result.verdicts["accuracy"]] += 1
        shapes += any("standard deviation" in note for note in result.accuracy.notes)
    return {outcome: count / trials for outcome, count in found.items()}, shapes / trials


SHOWN = ("REGRESSED", "SUSPECT", "INCONCLUSIVE", "IMPROVED", "EQUIVALENT")


def row(*cells, of):
    shares = (f"{100 * of.get(outcome, 0.0):.1f} %" for outcome in SHOWN)
    return f"| {' | '.join((*map(str, cells), *shares))} |"


def speed_rows(trials) -> Iterator[str]:
    for counts in ((1, 1), (3, 3), (5, 1), (5, 5)):
        for cv in (0.01, 0.02, 0.04):
            for loss in (0.0, 0.05, 0.07, 0.10, 0.5) if counts[0] in {1, 5} else (0.0, 0.10):
                found = speed_outcomes(7, trials, counts, cv=cv, loss=loss, has_control=False)
                yield row(f"{counts[0]} v {counts[1]}", f"{cv:.0%}", f"{loss:.0%}", of=found)


def uncalibrated_rows(trials) -> Iterator[str]:
    for counts in ((1, 1), (5, 5)):
        for cv in (0.01, 0.02, 0.04):
            for loss in (0.0, 0.10, 0.25, 0.5):
                found = speed_outcomes(8, trials, counts, cv=cv, loss=loss, calibrated=False, has_control=False)
                yield row(f"{counts[0]} v {counts[1]}", f"{cv:.0%}", f"{loss:.0%}", of=found)


def day_rows(trials) -> Iterator[str]:
    for counts in ((1, 1), (5, 5)):
        for cv in (0.01, 0.02):
            for loss in (0.0, 0.10, 0.20):
                for has_control in (False, True):
                    found = speed_outcomes(9, trials, counts, cv=cv, loss=loss, day=DAY_SD, has_control=has_control)
                    control = "reference run" if has_control else "none"
                    yield row(f"{counts[0]} v {counts[1]}", f"{cv:.0%}", f"{loss:.0%}", control, of=found)


def accuracy_rows(trials) -> Iterator[str]:
    for n in (15, 60, 300, 3000):
        for name, how in (
            ("last bits", {"last_bits": True}),
            ("redrawn", {}),
            ("redrawn, 2 times the error", {"factor": 2.0}),
        ):
            found, shapes = accuracy_outcomes(10, trials if n < 3000 else trials // 2, n, **how)
            yield row(n, name, of=found) + f" {100 * shapes:.0f} % |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--tables", nargs="*", default=["accuracy", "speed", "uncalibrated", "days"])
    options = parser.parse_args()
    outcomes = " | ".join(SHOWN)
    heads = {
        "accuracy": (accuracy_rows, f"| sequences | re-run | {outcomes} | notes on shape |"),
        "speed": (speed_rows, f"| runs | CV | slower by | {outcomes} |"),
        "uncalibrated": (uncalibrated_rows, f"| runs | CV | slower by | {outcomes} |"),
        "days": (day_rows, f"| runs | CV | slower by | control | {outcomes} |"),
    }
    for name in options.tables:
        rows, head = heads[name]
        sys.stdout.write(f"\n{name}, {options.trials} trials\n\n{head}\n|{'---|' * (head.count('|') - 1)}\n")
        for line in rows(options.trials):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
