"""Text field of every form: one line high, and focus selects its text."""

from textual.suggester import Suggester
from textual.widgets import Input


class Entry(Input):
    """An Input without a border."""

    def __init__(
        self,
        value: str = "",
        *,
        name: str | None = None,
        id: str | None = None,
        select_on_focus: bool = True,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(value, compact=True, name=name, id=id, select_on_focus=select_on_focus, suggester=suggester)
