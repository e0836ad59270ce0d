"""The widget under most panels: shows one Content, and writes nothing when it is the one already shown."""

from textual.content import Content
from textual.widgets import Static


class Panel(Static):
    """A Static that compares before it updates; an idle screen over SSH must cost no bytes."""

    ALLOW_SELECT = True
    topic: str | None = None
    """What tui/explain.py says about it when it has the focus."""

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        title: str | None = None,
        topic: str | None = None,
    ) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._shown: Content | None = None
        self.border_title = title
        self.topic = topic

    def show(self, content: Content) -> None:
        """Show it, unless it is what stands there."""
        # Content.__eq__ compares the text only; a change of colour is a change too
        if self._shown is not None and self._shown == content and self._shown.spans == content.spans:
            return
        self._shown = content
        self.update(content)

    def copy_text(self) -> str:
        """What it says, without colours."""
        return self._shown.plain if self._shown is not None else ""
