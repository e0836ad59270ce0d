"""Run blocking work in a thread and post the result; `patiently`, for work that may never return.

A Textual worker may end after its screen; so the result is posted, and dropped if the screen is gone. Textual also
waits for a worker's thread before the app ends: work that may hang gets a daemon thread, which does not block the end.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import TypeVar

from textual.dom import DOMNode
from textual.worker import get_current_worker

from vp_tui.core.errors import VpTuiError

_T = TypeVar("_T")

PERIOD_SECONDS = 0.05
_busy: dict[str, Future[object]] = {}
"""Place -> the newest work there, including one that hangs."""


def run_job(
    node: DOMNode,
    group: str,
    work: Callable[[], _T],
    done: Callable[[_T], object],
    failed: Callable[[str], object] | None = None,
) -> None:
    """Call `work` in a thread, then `done` with its result or `failed` with its VpTuiError's text, in the app's thread.

    A later job of the same node and group replaces an earlier one, whose result is dropped. Without `failed` the text
    becomes a notification. Any other exception ends the app with its traceback.
    """
    node.run_worker(
        partial(_in_thread, node, work, done, failed or partial(_notify, node)),
        thread=True,
        group=group,
        exclusive=True,
        exit_on_error=True,
    )


def _in_thread(
    node: DOMNode, work: Callable[[], _T], done: Callable[[_T], object], failed: Callable[[str], object]
) -> None:
    worker = get_current_worker()
    try:
        result = work()
    except VpTuiError as error:
        if not worker.is_cancelled:
            node.call_later(failed, str(error))
        return
    if not worker.is_cancelled:
        node.call_later(done, result)


def _notify(node: DOMNode, words: str) -> None:
    node.app.notify(words, severity="error", markup=False)


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
