"""What a run of each kind says, event by event: good, slow, failing, a NaN storm, a crash, a stall, hostile names.

tests/replay.py plays them into a store. The GPU's readings stand for a card that is not there, and its name says so.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vp_tui.core.config import STRATA, RunConfig
from vp_tui.core.errors import ExitCode
from vp_tui.core.events import (
    ARMS,
    AlertRaised,
    ArmSummary,
    BlockCompared,
    BlockEncoded,
    Event,
    Finding,
    GpuSample,
    PhaseChanged,
    Progress,
    RunFinished,
    RunPlanned,
    SequenceResult,
    Speedup,
    StratumStats,
)
from vp_tui.core.gates.embeddings import M1

FAKE_GPU = "FakeGpu (no real card)"
BLOCK = 64
TOKENS = {"short": 48, "medium": 98, "long": 310}
DISTANCE = {"short": 9e-5, "medium": 2.4e-4, "long": 6e-4}
"""Typical 1 - cosine of FP16."""
LIMIT = RunConfig(model="esm2-8m", input="-").thresholds.fail(M1)
EVIL = "\x1b]0;owned\x07\x1b[2J[bold red]m[/]\n\r\t\x9b31m\u202e\U0001f9ec\uff21\u0301"
Step = tuple[float, Event]
"""Seconds since the step before, and what happens then; its at_us is filled in when it happens."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a run goes through; the fields are the ways in which scripts differ."""

    num_blocks: int = 96
    block_s: float = 0.5
    factor: float = 2.05
    """Candidate tokens/s over reference tokens/s."""
    broken: Callable[[int, int], str | None] = lambda _block, _row: None
    """What is wrong with a row of a block: nan, cosine, or nothing."""
    alerts_per_row: int = 1
    ends: str = "finished"
    """finished, killed or stalled."""
    stops_at: float = 1.0
    """The share of the blocks after which it is killed or stalls."""
    evil: str = ""
    """Put into every text that users or files can choose."""
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Sequences."""
        return self.num_blocks * BLOCK


def _long_below(block: int, row: int) -> str | None:
    return "cosine" if block % 3 == 2 and block % 4 == 0 and row < 2 else None


def _all_nan(block: int, _row: int) -> str | None:
    return "nan" if block >= 2 else None


SCRIPTS = {
    "good": Script(),
    "slow": Script(factor=1.21, block_s=1.5),
    "failing": Script(broken=_long_below),
    "nan_storm": Script(broken=_all_nan, alerts_per_row=4),
    "crash": Script(ends="killed", stops_at=0.5),
    "stall": Script(ends="stalled", stops_at=0.4),
    "hostile_names": Script(
        num_blocks=6,
        broken=_all_nan,
        evil=EVIL,
        config={
            "name": EVIL[:40] + "name",
            "model": "/models/" + EVIL + "m" * 10_000,
            "input": "/data/" + EVIL + "i" * 10_000,
            "tags": {EVIL: EVIL + "t" * 10_000},
        },
    ),
}


def events(script: Script, seed: int = 7, device: str = "cuda:0") -> Iterator[Step]:
    """The steps from the first word to the last, or to where the script breaks off."""
    tally = Tally(script, random.Random(seed))
    yield 0.2, _phase("reading", "checkpoint" + script.evil)
    yield 0.5, _plan(script, device)
    for arm, precision in zip(ARMS, ("fp32", "fp16"), strict=True):
        yield 0.8, _phase("loading", f"esm2 in {precision}")
        yield 0.2, _encoded(script, 0, arm, is_warmup=True)
    yield 0.1, _phase("encoding", "both arms resident, ABBA" + script.evil)
    for block in range(round(script.stops_at * script.num_blocks)):
        yield script.block_s / 2, _encoded(script, block, "reference")
        yield script.block_s / 2, _encoded(script, block, "candidate")
        yield 0.0, _gpu(tally.draw)
        yield from ((0.0, event) for event in tally.compared(block))
    if script.ends == "finished":
        yield 0.5, _phase("storing", "embeddings")
        yield 0.3, tally.finished()


def _phase(phase: str, detail: str) -> PhaseChanged:
    return PhaseChanged(at_us=0, phase=phase, detail=detail)


def _plan(script: Script, device: str) -> RunPlanned:
    planned = {name: len(range(place, script.num_blocks, 3)) * BLOCK for place, name in enumerate(STRATA)}
    name = FAKE_GPU + script.evil
    return RunPlanned(
        total=script.total,
        planned=planned,
        dataset={"name": "reads.faa" + script.evil, "sha256": "da" * 32, "n": script.total, "strata": planned},
        model={"name": "esm2" + script.evil, "kind": "esm2", "weights_sha256": "ea" * 32, "pooling": "residues"},
        environment={"device": device, "device_name": name, "driver": "none", "torch": "none" + script.evil},
    )


def _encoded(script: Script, block: int, arm: Any, *, is_warmup: bool = False) -> BlockEncoded:
    stratum = STRATA[block % 3]
    tokens = BLOCK * TOKENS[stratum]
    seconds = tokens / (80_000 * (script.factor if arm == "candidate" else 1.0)) * (1 + 0.03 * math.sin(block))
    return BlockEncoded(
        at_us=0, block=block, arm=arm, stratum=stratum, sequences=BLOCK, tokens=tokens, encode_s=seconds,
        wall_s=1.1 * seconds, is_warmup=is_warmup,
    )  # fmt: skip


def _gpu(draw: random.Random) -> GpuSample:
    return GpuSample(
        at_us=0, utilization=draw.uniform(88, 98), memory_used_mib=72_900.0, memory_total_mib=143_360.0,
        power_w=draw.uniform(560, 690), power_limit_w=700.0, sm_clock_mhz=1980.0, temperature_c=draw.uniform(58, 64),
        throttle_reasons=0,
    )  # fmt: skip


class Tally:
    """The measures so far."""

    def __init__(self, script: Script, draw: random.Random) -> None:
        self.script, self.draw = script, draw
        self._rows: dict[str, list[SequenceResult]] = {name: [] for name in STRATA}

    def compared(self, block: int) -> Iterator[Event]:
        """What follows when both arms have a block."""
        stratum = STRATA[block % 3]
        results = [self._result(block, row, stratum) for row in range(BLOCK)]
        self._rows[stratum] += results
        cosines = sorted(one.cosine for one in results if one.cosine is not None)
        yield BlockCompared(
            at_us=0, block=block, stratum=stratum, sequences=BLOCK, cosine_min=cosines[0] if cosines else None,
            results=tuple(results), strata=self.strata(),
        )  # fmt: skip
        for one in results:
            yield from self._alerts(block, one)
        done = (block + 1) * BLOCK
        left_s = (self.script.num_blocks - block - 1) * self.script.block_s
        yield Progress(at_us=0, done=done, total=self.script.total, eta_s=left_s)

    def _result(self, block: int, row: int, stratum: str) -> SequenceResult:
        wrong = self.script.broken(block, row)
        distance = 0.02 if wrong == "cosine" else min(0.004, DISTANCE[stratum] * 10 ** self.draw.gauss(-0.5, 0.2))
        return SequenceResult(
            seq_idx=block * BLOCK + row, sequence_id=f"ORF_{block * BLOCK + row:05d}{self.script.evil}",
            stratum=stratum, num_tokens=TOKENS[stratum], cosine=None if wrong == "nan" else 1 - distance,
            relative_l2=None if wrong == "nan" else 9 * distance, norm_ratio=None if wrong == "nan" else 1 + distance,
            nan_count=310 if wrong == "nan" else 0, inf_count=0, seq_hash=block * BLOCK + row,
        )  # fmt: skip

    def _alerts(self, block: int, one: SequenceResult) -> Iterator[AlertRaised]:
        wrong = self.script.broken(block, one.seq_idx - block * BLOCK)
        if wrong is None:
            return
        words = "has 310 NaN and 0 Inf values" if wrong == "nan" else f"has cosine {one.cosine}, not above {LIMIT}"
        alert = AlertRaised(
            at_us=0, kind=wrong, severity="fail", message=f"{one.stratum}: {one.sequence_id} {words} in fp16",
            stratum=one.stratum, seq_idx=one.seq_idx, sequence_id=one.sequence_id, block=block, pack=1,
            layer="layers.33.attn.softmax" + self.script.evil if wrong == "nan" else None,
        )  # fmt: skip
        yield from (alert for _ in range(self.script.alerts_per_row))

    def strata(self) -> tuple[StratumStats, ...]:
        """short, medium, long, all."""
        everything = [one for rows in self._rows.values() for one in rows]
        planned = self.script.total // 3
        by_scope = (*((name, self._rows[name], planned) for name in STRATA), ("all", everything, self.script.total))
        return tuple(self._stats(*scope) for scope in by_scope)

    def _stats(self, scope: Any, rows: list[SequenceResult], planned: int) -> StratumStats:
        cosines = sorted(one.cosine for one in rows if one.cosine is not None)
        speed = 160_000.0 if rows else None
        return StratumStats(
            scope=scope,
            planned=planned,
            n=len(rows),
            tokens=sum(one.num_tokens for one in rows),
            cosine_min=cosines[0] if cosines else None,
            cosine_p01=cosines[len(cosines) // 100] if cosines else None,
            cosine_mean=sum(cosines) / len(cosines) if cosines else None,
            below=sum(one.cosine is None or one.cosine <= LIMIT for one in rows),
            nan=sum(one.nan_count > 0 for one in rows),
            inf=0,
            relative_l2_p99=9 * (1 - cosines[len(cosines) // 100]) if cosines else None,
            norm_ratio_worst=2 - cosines[0] if cosines else None,
            reference_tokens_per_s=speed and speed / self.script.factor,
            candidate_tokens_per_s=speed,
            speedup=speed and self.script.factor,
        )

    def finished(self) -> RunFinished:
        """The verdict that follows from the rows."""
        strata = self.strata()
        overall, factor = strata[-1], self.script.factor
        failed = overall.below > 0
        sentence = f"{overall.n:,} sequences: {overall.below} at or below the limit, {overall.nan} with NaN"
        finding = Finding(gate="M1", severity="fail", stratum="long", text=f"{overall.below} below" + self.script.evil)
        verdict = "PASS" if factor >= 1.8 else "MISS"
        return RunFinished(
            at_us=0,
            verdict="FAIL" if failed else "PASS",
            sentence=sentence + self.script.evil,
            findings=(finding,) if failed else (),
            strata=strata,
            arms={arm: self._arm(arm, strata[-1]) for arm in ARMS},
            speedup=Speedup(
                tokens_per_s=factor, end_to_end=0.9 * factor, ci95=(factor - 0.03, factor + 0.03), verdict=verdict,
                reason=f"speed: {factor:.2f}x in tokens/s" + self.script.evil,
            ),
            exit_code=int(ExitCode.VALIDATION_FAILED if failed else ExitCode.GOOD),
        )  # fmt: skip

    def _arm(self, arm: str, overall: StratumStats) -> ArmSummary:
        speed = overall.candidate_tokens_per_s if arm == "candidate" else overall.reference_tokens_per_s
        seconds = overall.tokens / speed if speed else 0.0
        return ArmSummary(
            precision="fp16" if arm == "candidate" else "fp32", attention_kernel="sdpa", attention_reason="a script",
            tokens_per_s=speed, seconds=seconds, end_to_end_seconds=1.2 * seconds, load_seconds=0.8,
            peak_memory_mib=8_100.0, cached=False,
        )  # fmt: skip
