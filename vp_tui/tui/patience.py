"""Cancellable thread for work that may never return, such as a read of a hanging network path.

Textual waits for a worker's thread before the app ends; a daemon thread does not block the end.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from textual.worker import get_current_worker

from vp_tui.core.errors import VpTuiError

_T = TypeVar("_T")
PERIOD_SECONDS = 0.05
_busy: dict[str, Future[object]] = {}
"""Place -> the newest work there, including one that hangs."""


def patiently(place: str, work: Callable[[], _T]) -> _T:
    """Call `work` in its own thread; call this in a Textual worker, and it ends when the worker is cancelled.

    Work at one `place` (a folder, say) runs one after the other, so that typing a path that hangs does not start a
    thread per keystroke.

    Raises:
        VpTuiError: the worker was cancelled.
    """
    while (before := _busy.get(place)) is not None and not before.done():
        _rest(before)
    result: Future[_T] = Future()
    _busy[place] = result  # type: ignore[assignment]
    threading.Thread(target=_fill, args=(result, work), name=f"patient {place}", daemon=True).start()
    while not result.done():
        _rest(result)
    if _busy.get(place) is result:
        del _busy[place]
    return result.result()


def _rest(future: "Future[_T]") -> None:
    if get_current_worker().is_cancelled:
        raise VpTuiError("cancelled")
    wait([future], PERIOD_SECONDS)


def _fill(result: "Future[_T]", work: Callable[[], _T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:  # noqa: BLE001 (raised again by result())
        result.set_exception(error)
