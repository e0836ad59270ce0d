"""`run --resume`: which run goes on, and whether it may."""

from typing import Final

from pydantic import ValidationError

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.runs.launch import absolute_input, as_requested, from_anywhere
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import run_config
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

_MOST_RUNS: Final = 100_000


def settings_of(home: Home, run: str) -> RunConfig:
    """Return the settings of a run (`run` as in Reader.find), as they were requested.

    Raises:
        RunNotFoundError: no such run.
        UsageError: another version wrote them, or the run judged files.
    """
    with Reader(home) as reader:
        number = reader.find(run)
    config = _requested(home, number)
    if config is None:
        raise UsageError(f"run #{number} is of another version, which this one cannot resume; start a new run")
    if config.judged is not None:
        raise UsageError(f"run #{number} judged files and has no blocks to resume; use `vp-tui rerun {number}`")
    return config


def to_resume(home: Home, config: RunConfig, *, is_required: bool) -> RunRow | None:
    """Return the newest run with these settings if it ended early; its finished blocks can be taken over.

    Raises:
        UsageError: that run is active, or it is completed and `is_required`.
    """
    found = _newest(home, config)
    if found is not None and found.is_active:
        raise UsageError(
            f"run #{found.id} with the same settings is {found.status}: follow it with `vp-tui watch {found.id}`; if "
            f"its machine is gone, end it with `vp-tui stop --force {found.id}` first"
        )
    if found is None or found.status != "completed":
        return found
    if is_required:
        raise UsageError(
            f"run #{found.id} with the same settings is completed; to repeat it: `vp-tui rerun {found.id}`"
        )
    return None


def _newest(home: Home, config: RunConfig) -> RunRow | None:
    wanted = config.model_copy(update={"input": absolute_input(config), "model": from_anywhere(config.model)})
    with Reader(home) as reader:
        runs = reader.runs(limit=_MOST_RUNS)
    alike = (run for run in runs if (run.model, run.input) == (wanted.model, wanted.input))
    return next((run for run in alike if _requested(home, run.id) == wanted), None)


def _requested(home: Home, run_id: int) -> RunConfig | None:
    """Return the settings of a run; None if this version cannot read them."""
    try:
        return as_requested(run_config(home, run_id)[1])
    except ValidationError:
        return None
