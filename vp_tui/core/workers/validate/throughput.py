"""Throughput of each arm, per stratum and overall, and the time left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, Arm, ArmSummary
from vp_tui.core.measures import speed
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.prepare import Prepared

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet

Rates = Mapping[str, float | None]

CLOCK_SHARE: Final = 1e-3
"""The clocks of a GPU and its host may differ by this share."""


class Throughput:
    """Rates from the clocks of the arms that run; a stored reference has its own."""

    def __init__(self, data: Prepared, running: Sequence[ArmRunner], stored_rates: Rates) -> None:
        self._running, self._stored_rates = running, stored_rates
        self._stratum_of = {block.index: STRATA[block.stratum] for block in data.blocks}
        self._tokens_of = {block.index: int(data.tokens.lengths_S[block.indices_S].sum()) for block in data.blocks}

    def rates(self) -> dict[str, Rates]:
        """Return arm -> scope -> tokens/s over encode seconds without warm-up; None before anything was timed."""
        by_arm: dict[str, Rates] = {arm: self._stored_rates for arm in ARMS}
        return by_arm | {runner.arm: self._rates_of(runner) for runner in self._running}

    def _rates_of(self, runner: ArmRunner) -> Rates:
        found: dict[str, float | None] = {}
        for scope in (*STRATA, "all"):
            blocks = [index for index in runner.encode_s if scope in {"all", self._stratum_of[index]}]
            tokens = sum(self._tokens_of[index] for index in blocks)
            found[scope] = speed.tokens_per_s(tokens, sum(runner.encode_s[index] for index in blocks))
        return found

    def paired_seconds(self) -> tuple[list[float], list[float]]:
        """Return the encode seconds of reference and candidate on each stretch that both have timed."""
        if len(self._running) < len(ARMS):
            return [], []
        reference, candidate = self._running
        both = [blocks for blocks in candidate.stretches if reference.encode_s.keys() >= set(blocks)]
        return _sums(reference.encode_s, both), _sums(candidate.encode_s, both)

    def eta_s(self) -> float | None:
        """Return the seconds that the remaining blocks take at each arm's rate so far.

        An arm that has not begun is assumed to be as fast as the one that has.
        """
        total = sum(self._tokens_of.values())
        wall_rates = []
        for runner in self._running:
            done = sum(self._tokens_of[index] for index in runner.encode_s)
            wall_rates.append((done, speed.tokens_per_s(done, sum(runner.wall_s.values()))))
        known = [rate for _, rate in wall_rates if rate]
        if not known:
            return None
        return sum((total - done) / (rate or min(known)) for done, rate in wall_rates)

    def of_devices(self, several: "Fleet") -> dict[str, Any]:
        """Return tokens/s of each device, and the share of the wall-clock time in which all of them encoded.

        That share is the efficiency of scaling: 1 when `n` devices encode n times as fast as each of them alone. Its
        95 % interval takes stretches of both arms as the unit.
        """
        stretches = [(runner, blocks) for runner in self._running for blocks in runner.stretches]
        busy_s = [sum(runner.encode_s[index] for index in blocks) for runner, blocks in stretches]
        wall_s = [sum(runner.wall_s[index] for index in blocks) for runner, blocks in stretches]
        return {
            "rows": [asdict(row) for row in several.rows()],
            "efficiency": speed.ratio(sum(busy_s), sum(wall_s)),
            "ci95": speed.ratio_interval(busy_s, wall_s),
        }

    def contradiction(self, arms: Mapping[Arm, ArmSummary]) -> str | None:
        """Return where a time contradicts another one, which makes the times of the run unusable; None: nowhere.

        Encoding is a part of end to end, in the whole run (of a stored reference, too) and in each stretch.
        """
        for arm, summary in arms.items():
            if summary.end_to_end_seconds < summary.seconds:
                return _contradiction(arm, "", summary.end_to_end_seconds, summary.seconds)
        for runner in self._running:
            seconds = zip(_sums(runner.wall_s, runner.stretches), _sums(runner.encode_s, runner.stretches), strict=True)
            for blocks, (wall_s, encode_s) in zip(runner.stretches, seconds, strict=True):
                if wall_s < encode_s * (1 - CLOCK_SHARE):
                    return _contradiction(runner.arm, f" in blocks {min(blocks)} to {max(blocks)}", wall_s, encode_s)
        return None


def _contradiction(arm: Arm, where: str, wall_s: float, encode_s: float) -> str:
    return (
        f"the {arm} run took {fmt.number(wall_s)} s end to end{where}, {fmt.number(encode_s - wall_s)} s less than its "
        "encoding alone: its times are wrong"
    )


def _sums(seconds: Mapping[int, float], stretches: Sequence[tuple[int, ...]]) -> list[float]:
    """Return the sum of `seconds` (by block) over each stretch."""
    return [sum(seconds[index] for index in blocks) for blocks in stretches]


def expected_seconds(runner: ArmRunner, data: Prepared) -> float:
    """Return the encode seconds of all blocks, as far as the warm-up tells."""
    tokens = ((block.stratum, data.tokens.lengths_S[block.indices_S].sum()) for block in data.blocks)
    return float(sum(runner.warm_s.get(stratum, 0.0) * count for stratum, count in tokens))


def devices_in_words(found: Mapping[str, Any]) -> str:
    """Return Throughput.of_devices as a sentence."""
    each = "; ".join(
        f"{row['name']} " + ", ".join(f"{arm} {fmt.number(rate)} tokens/s" for arm, rate in row["arms"].items())
        for row in found["rows"]
    )
    interval = found["ci95"]
    within = "" if interval is None else f" (95 % interval {fmt.percent(interval[0])} to {fmt.percent(interval[1])})"
    busy = fmt.percent(found["efficiency"])
    return f"{len(found['rows'])} devices, busy {busy} of the time of encoding{within}: {each}"
