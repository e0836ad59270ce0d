"""Run blocking work in a thread and post the result.

A Textual worker may end after its screen; so the result is posted, and dropped if the screen is gone.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.dom import DOMNode
from textual.worker import get_current_worker

from vp_tui.core.errors import VpTuiError

_T = TypeVar("_T")


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
