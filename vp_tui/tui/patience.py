"""Work that may never come back, such as a look at a network path that hangs, in threads that nothing waits for.

A worker of Textual holds the end of the app until its thread returns; a daemon thread does not.
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
"""Place -> the newest work there; one that hangs stays here."""


def patiently(place: str, work: Callable[[], _T]) -> _T:
    """Call `work` in a thread of its own; to be called in a worker of Textual, and given up when that is cancelled.

    Work at one `place` (a folder, say) is done one after the other, so that each letter typed in a path that hangs
    does not leave a thread behind.

    Raises:
        VpTuiError: nobody waits for the answer any more.
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
        raise VpTuiError("nobody waits for this any more")
    wait([future], PERIOD_SECONDS)


def _fill(result: "Future[_T]", work: Callable[[], _T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:  # noqa: BLE001 (it is raised again where it is waited for)
        result.set_exception(error)
