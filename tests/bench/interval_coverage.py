"""Coverage of the speed interval (measures.speed.ratio_interval), simulated: `python tests/bench/interval_coverage.py`.

A trial is one run: stretches of both arms in ABBA order, each with the noise of its moment. Coverage is the share of
trials whose 95 % interval holds the true ratio. The noise is relative, 2 % a stretch, and is the same for both arms.
"""

from collections.abc import Iterator

import numpy as np

from vp_tui.core.measures.speed import ratio_interval

RATIO = 9.0
SPREAD = 0.02
PAIRS = (5, 6, 12, 36)
INDEPENDENT = ("independent", "heavy tails", "spikes")
"""Noise without memory."""
WITH_MEMORY = ("AR(1), 0.5", "AR(1), 0.9", "drift", "step")
BETWEEN_RUNS = "between runs"
SIZES = ("equal", "unequal")


def log_noise(kind: str, slots: int, rng: np.random.Generator) -> np.ndarray:
    """Return the logarithm of the noise factor of each stretch, in the order of time [slots]."""
    plain = rng.normal(0, SPREAD, slots)
    match kind:
        case "heavy tails":
            return SPREAD * rng.standard_t(3, slots)
        case "spikes":  # one stretch in ten takes half as long again
            return plain + np.where(rng.random(slots) < 0.1, np.log(1.5), 0.0)
        case "AR(1), 0.5" | "AR(1), 0.9":
            return autoregressive(plain, float(kind.split()[1]))
        case "drift":  # 10 % from the first stretch to the last
            return plain + np.linspace(0, 0.1, slots)
        case "step":  # 10 % slower from some moment on
            return plain + 0.1 * (np.arange(slots) >= rng.integers(1, slots))
        case _:
            return plain


def autoregressive(plain: np.ndarray, factor: float) -> np.ndarray:
    """Return an AR(1) series with the spread of `plain`."""
    series = plain.copy()
    for slot in range(1, len(series)):
        series[slot] = factor * series[slot - 1] + np.sqrt(1 - factor**2) * plain[slot]
    return series


def sizes_of(name: str, num_pairs: int) -> np.ndarray:
    """Return the length of each stretch: all equal, or 1, 2, 6 in turns."""
    return np.ones(num_pairs) if name == "equal" else np.resize([1.0, 2.0, 6.0], num_pairs)


def trial(kind: str, num_pairs: int, sizes: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds of reference and candidate, pair by pair."""
    noise = np.exp(log_noise(kind, 2 * num_pairs, rng)).reshape(num_pairs, 2)
    noise[1::2] = noise[1::2, ::-1]  # ABBA: in every other pair the candidate is first
    lengths = sizes_of(sizes, num_pairs)
    level = np.exp(rng.normal(0, SPREAD)) if kind == BETWEEN_RUNS else 1.0
    return RATIO * level * lengths * noise[:, 0], lengths * noise[:, 1]


def coverage(kind: str, num_pairs: int, sizes: str = "equal", *, trials: int = 4000) -> float:
    """Return the share of `trials` runs whose interval holds the true ratio."""
    rng = np.random.default_rng([num_pairs, trials])
    hits = 0
    for _ in range(trials):
        low, high = ratio_interval(*trial(kind, num_pairs, sizes, rng))
        hits += low <= RATIO <= high
    return hits / trials


def table() -> Iterator[str]:
    """Yield the rows of the table in docs/performance.md."""
    yield f"| noise, stretches | {' | '.join(f'{num} pairs' for num in PAIRS)} |"
    yield "|---" * (len(PAIRS) + 1) + "|"
    for kind in (*INDEPENDENT, *WITH_MEMORY, BETWEEN_RUNS):
        for sizes in SIZES:
            found = " | ".join(f"{coverage(kind, num_pairs, sizes):.3f}" for num_pairs in PAIRS)
            yield f"| {kind}, {sizes} | {found} |"


if __name__ == "__main__":
    print(*table(), sep="\n")
