"""Estimate of a new run, recomputed when the form changes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content
from textual.timer import Timer

from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.jobs import patiently, run_job
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.panels.panel import Panel

if TYPE_CHECKING:
    from vp_tui.core.runs.estimate.figures import ArmEstimate, Estimate


WAITING = "Fill in Model and Sequences to see the estimated tokens, time and memory."
PAUSE_SECONDS = 0.4
"""Time without a change before an estimate starts."""


class EstimateLines(Panel):
    """Shows the estimate of the newest plan; `runs` returns the runs of the store, newest first."""

    def __init__(
        self, estimate: "Callable[[RunConfig], Estimate]", runs: Callable[[], Sequence[RunRow]], *, id: str
    ) -> None:
        super().__init__(id=id)
        self._estimate = estimate
        self._runs = runs
        self._plan: RunConfig | None = None
        self.seconds: float | None = None
        """Estimated time of the plan; None while it is unknown."""
        self._pause: Timer | None = None

    def on_mount(self) -> None:
        self.show(styled(WAITING, "dim"))

    def plan(self, config: RunConfig | None) -> None:
        """Estimate `config` after a pause without changes; None: nothing to estimate."""
        # the name of a run changes nothing
        wanted = config.model_copy(update={"name": None}) if config is not None else None
        if wanted == self._plan:
            return
        self._plan = wanted
        self.seconds = None
        if self._pause is not None:
            self._pause.stop()
        if wanted is None:
            self.show(styled(WAITING, "dim"))
            return
        self.show(styled("estimating ...", "dim"))
        self._pause = self.set_timer(PAUSE_SECONDS, partial(self._ask, wanted))

    def _ask(self, config: RunConfig) -> None:
        # plans for one file run one after the other: the file is read once
        work = partial(patiently, f"estimate of {config.input}", partial(self._estimate, config))
        run_job(self, "estimate", work, partial(self._answer, config), partial(self._refuse, config))

    def _answer(self, config: RunConfig, estimate: "Estimate") -> None:
        if config == self._plan:
            arms = [arm.seconds for arm in (estimate.reference, estimate.candidate) if arm.seconds is not None]
            self.seconds = sum(arms) if arms else None
            self.show(estimate_content(estimate, self._runs()))

    def _refuse(self, config: RunConfig, words: str) -> None:
        if config == self._plan:
            self.show(line(("! ", "fail"), fmt.safe(words)))


def estimate_content(estimate: "Estimate", runs: Sequence[RunRow]) -> Content:
    """Return the lines; `runs` are those of the store, newest first: an active one on the device runs first."""
    rows = [_data(estimate), _seconds(estimate), _memory(estimate)]
    if estimate.precision_reason:
        rows.append(line(("~ ", "warn"), fmt.safe(estimate.precision_reason)))
    before = waits_for(estimate.devices.names, runs)
    if before is not None:
        words = f"#{before.id} {run_names(before)} is {before.status}: the new run is queued behind it"
        rows.append(line(("~ ", "warn"), fmt.safe(words)))
    return lines(rows)


def waits_for(devices: Sequence[str], runs: Sequence[RunRow]) -> RunRow | None:
    """Return the oldest active run that a new one on `devices` waits for; a queued run may use any device."""
    active = (run for run in reversed(runs) if run.is_active)
    return next((run for run in active if run.device is None or not _held(run.device).isdisjoint(devices)), None)


def _held(device: str) -> set[str]:
    """Return the devices of a run, which the store has as cuda:0,1."""
    kind, _, numbers = device.partition(":")
    return {f"{kind}:{number}" for number in numbers.split(",")} if numbers else {kind}


def _data(estimate: "Estimate") -> Content:
    strata = ", ".join(f"{name} {fmt.exact(count)}" for name, count in estimate.strata.items())
    used, whole = estimate.sequences, estimate.in_file
    of = f"all {fmt.exact(used)}" if used == whole else f"{fmt.exact(used)} of {fmt.exact(whole)}"
    tokens = "number of tokens unknown"
    if estimate.tokens is not None:
        count = fmt.exact(estimate.tokens) if estimate.is_exact else f"about {fmt.short(estimate.tokens)}"
        tokens = f"{count} tokens"
    return line(f"{of} sequences ({strata}), {tokens}")


def _seconds(estimate: "Estimate") -> Content:
    if estimate.to_fetch is not None:
        return line(
            ("~ ", "warn"),
            f"{fmt.safe(estimate.to_fetch)} is not on this machine: the run downloads it first; "
            "tokens, time and memory are unknown until then",
        )
    if estimate.tokens is None:
        return line("time unknown: the model's own tokenizer is needed to count the tokens")
    arms = (estimate.reference, estimate.candidate)
    if all(arm.like is None for arm in arms):
        return line(f"time unknown: no comparable run yet (this model on {estimate.devices.first.partition(':')[0]})")
    stored = estimate.stored_by
    saved = f"; the {arms[0].precision} of #{stored} can probably be reused" if stored is not None else ""
    return line(f"encoding {' + '.join(map(_arm_seconds, arms))}{_on(estimate)}{_like(estimate)}{saved}")


def _on(estimate: "Estimate") -> str:
    """Return what the seconds are divided by; nothing for one device."""
    devices = estimate.devices
    if devices.count == 1:
        return ""
    if devices.is_cpu:
        return f" on {devices.count} processes that share the cores"
    return f" on {devices.count} GPUs" if devices.count is not None else ", divided by the number of GPUs"


def _arm_seconds(arm: "ArmEstimate") -> str:
    return f"{arm.precision} {f'about {fmt.seconds(arm.seconds)}' if arm.seconds is not None else 'unknown'}"


def _like(estimate: "Estimate") -> str:
    runs = {arm.like.run_id: arm.like for arm in (estimate.reference, estimate.candidate) if arm.like is not None}
    told = (
        f"#{run.run_id}" + (f" (which took {fmt.duration(run.seconds)})" if run.seconds is not None else "")
        for run in runs.values()
    )
    each = "" if estimate.devices.count == 1 or estimate.devices.is_cpu else " each"
    return f", as fast{each} as {' and '.join(told)}"


def _memory(estimate: "Estimate") -> Content:
    if estimate.to_fetch is not None:
        return line(_free(estimate))
    reference, candidate = estimate.reference, estimate.candidate
    if reference.weight_bytes is None or candidate.weight_bytes is None:
        return line(f"memory of the weights unknown; {_free(estimate)}")
    first, second = fmt.size(reference.weight_bytes), fmt.size(candidate.weight_bytes)
    weights = f"{reference.precision} {first} + {candidate.precision} {second}"
    words = f"{_each(estimate)}weights {weights} + activations, {_free(estimate)}"
    if estimate.fit == "no":
        return line(("! ", "fail"), f"{words}: does not fit; free memory or use a smaller model")
    if estimate.fit == "in turn":
        return line(("~ ", "warn"), f"{words}: reference and candidate run one after the other")
    return line(words)


def _each(estimate: "Estimate") -> str:
    """Return what has these weights; nothing for one device."""
    devices = estimate.devices
    if devices.count == 1:
        return ""
    return f"each of {devices.count} processes: " if devices.is_cpu else "each GPU: "


def _free(estimate: "Estimate") -> str:
    free = fmt.size(estimate.free_bytes) if estimate.free_bytes is not None else "unknown amount"
    return f"{free} free on {estimate.devices.first}"
