"""Which keys of the whole app work now."""

from collections.abc import Callable

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui import bell
from vp_tui.tui.messages import StoreView


def works(action: str, view: StoreView | None, chosen: Callable[[], RunRow | None]) -> bool:
    """Return False where the action has nothing to act on; `chosen` returns the run of the screen in front."""
    match action:
        case "demo":
            return view is not None and not view.runs
        case "pause" | "measures":
            return view is not None and view.snapshot is not None
        case "stop_run":
            return (run := chosen()) is not None and run.is_active
        case "rerun":
            return chosen() is not None
        case _:
            return True


def state_of_keys(view: StoreView | None) -> tuple[object, ...]:
    """Return what decides which keys work: where it changes, the key bar does."""
    if view is None:
        return ()
    shown = view.snapshot.run if view.snapshot is not None else None
    return (shown.id if shown else None, shown.status if shown else None, bell.active_ids(view.runs), bool(view.runs))
