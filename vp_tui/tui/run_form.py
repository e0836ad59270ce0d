"""Opens the form of a new run: with the last values, or with those of a run."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from textual.app import App

from vp_tui.core.config import RunConfig
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.fields import Plans, Remembered, initial_values, plans_of
from vp_tui.tui.jobs import patiently, run_job
from vp_tui.tui.screens.new_run import NewRunScreen

DEMO = "demo"


class RunForm:
    """`runs` returns the runs of the store, newest first; `started` is called with the id of a new run, or None."""

    def __init__(
        self,
        app: App[int],
        backend: Backend,
        runs: Callable[[], Sequence[RunRow]],
        started: Callable[[int | None], Any],
    ) -> None:
        self._app, self._backend, self._runs, self._started = app, backend, runs, started

    def open(self) -> None:
        def read() -> tuple[Remembered, Plans]:
            return self._backend.remembered(), self._backend.plans()

        run_job(self._app, "new run", read, lambda got: self._push(got[0].values, got[1], got[0].trouble))

    def start_demo(self) -> None:
        """Make the demo's checkpoint and sequences, and start a run of them."""
        self._app.notify("making a tiny model and its sequences, some seconds the first time ..")

        def start() -> int:
            checkpoint, sequences = self._backend.demo_files()[DEMO]
            return self._backend.start(RunConfig(model=str(checkpoint), input=str(sequences), name=DEMO))

        run_job(self._app, "demo", partial(patiently, "demo", start), self._started)

    def open_with(self, run_id: int, *, fp32_compare: bool) -> None:
        """Open the form with the settings of a run; `fp32_compare` recomputes its reference."""

        def read() -> tuple[Mapping[str, Any], Plans]:
            return self._backend.config_of(run_id), self._backend.plans()

        run_job(self._app, "rerun", read, partial(self._show, fp32_compare))

    def _show(self, fp32_compare: bool, got: tuple[Mapping[str, Any], Plans]) -> None:
        config, plans = got
        filled = {**config, "fp32_compare": True} if fp32_compare else config
        # the plan of the run itself, whatever has become of the stored one of that name
        self._push(initial_values(filled), {**plans, **plans_of(config)})

    def _push(self, values: Mapping[str, Any], plans: Plans, trouble: str | None = None) -> None:
        # the key may be pressed twice quickly
        if not isinstance(self._app.screen, NewRunScreen):
            form = NewRunScreen(self._backend, values, runs=self._runs, plans=plans, trouble=trouble)
            self._app.push_screen(form, self._started)
