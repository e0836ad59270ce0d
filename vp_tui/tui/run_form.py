"""Opens the form of a new run: with the last values, or with those of a run."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from textual.app import App

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.completion import known_inputs, known_models
from vp_tui.tui.fields import FILE_FIELD, MODEL_FIELD, Plans, Remembered, initial_values, plans_of
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
        def read() -> tuple[Remembered, Plans, Sequence[RunRow]]:
            return self._backend.remembered(), self._backend.plans(), self._encoded()

        run_job(self._app, "new run", read, lambda got: self._push(got[0].values, *got[1:], got[0].trouble))

    def _encoded(self) -> Sequence[RunRow]:
        """Return the runs with a checkpoint and sequences, newest first; a judged one has two files of others."""
        return self._backend.history("NOT is:judged")

    def start_demo(self) -> None:
        """Make the demo's checkpoint and sequences, and start a run of them."""
        self._app.notify("making a tiny model and its sequences, some seconds the first time ..")

        def start() -> int:
            checkpoint, sequences = self._backend.demo_files()[DEMO]
            return self._backend.start(RunConfig(model=str(checkpoint), input=str(sequences), name=DEMO))

        run_job(self._app, "demo", partial(patiently, "demo", start), self._started)

    def open_with(self, run_id: int, *, fp32_compare: bool) -> None:
        """Open the form with the settings of a run; `fp32_compare` recomputes its reference."""

        def read() -> tuple[Mapping[str, Any], Plans, Sequence[RunRow]]:
            config = self._backend.config_of(run_id)
            if config.get("judged"):
                raise UsageError(f"#{run_id} judged files, so it has no settings of a run; n, Judge files judges them")
            return config, self._backend.plans(), self._encoded()

        run_job(self._app, "rerun", read, partial(self._show, fp32_compare))

    def _show(self, fp32_compare: bool, got: tuple[Mapping[str, Any], Plans, Sequence[RunRow]]) -> None:
        config, plans, used = got
        filled = {**config, "fp32_compare": True} if fp32_compare else config
        # the plan of the run itself, whatever has become of the stored one of that name
        self._push(initial_values(filled), {**plans, **plans_of(config)}, used)

    def _push(
        self, values: Mapping[str, Any], plans: Plans, used: Sequence[RunRow], trouble: str | None = None
    ) -> None:
        # the key may be pressed twice quickly
        if not isinstance(self._app.screen, NewRunScreen):
            known = {MODEL_FIELD: known_models(used), FILE_FIELD: known_inputs(used)}
            form = NewRunScreen(self._backend, values, runs=self._runs, known=known, plans=plans, trouble=trouble)
            self._app.push_screen(form, self._started)
