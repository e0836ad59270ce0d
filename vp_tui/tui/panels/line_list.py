"""List of lines below a title line, with cursor, keys and mouse; a line becomes text only when it is painted.

DataTable measures every cell and repaints every row for one that changed: with a thousand runs, sorting takes half a
second, and one percent of progress costs 24 kB.
"""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


class LineList(ScrollView, can_focus=True):
    """One Content per row; the cursor is a row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--title", "lines--even", "lines--odd", "lines--cursor"}
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor moved."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row_count = 0
        self.cursor_row = 0

    def title_line(self) -> Content:
        """Return the line above the rows."""
        raise NotImplementedError

    def row_line(self, row: int) -> Content:
        """Return one row, less than `row_count`."""
        raise NotImplementedError

    def copy_text(self) -> str:
        """Return title and rows as text."""
        rows = [self.title_line(), *(self.row_line(row) for row in range(self.row_count))]
        return "".join(f"{row.plain.rstrip()}\n" for row in rows)

    def action_open(self) -> None:
        """Handle enter, or a click on the row under the cursor."""
        raise NotImplementedError

    def title_clicked(self, column: int) -> None:
        """Handle a click into the title line, `column` columns from the left."""

    def resize_to(self, rows: int) -> None:
        """Set the number of rows; the cursor stays among them."""
        self.row_count = rows
        # no width: long lines are cut, not scrolled
        self.virtual_size = Size(0, rows + 1)
        self.cursor_row = max(0, min(self.cursor_row, rows - 1))
        self.refresh()

    def refresh_row(self, row: int) -> None:
        """Repaint one row, if it is visible."""
        line = row - self.scroll_offset.y
        if 0 <= line < self.size.height - 1:
            self.refresh(Region(0, line + 1, self.size.width, 1))

    def move_cursor(self, row: int) -> None:
        """Move to the row, or the nearest one, and scroll to it."""
        before = self.cursor_row
        self.cursor_row = max(0, min(row, self.row_count - 1))
        self._scroll_to_cursor()
        if self.cursor_row != before:
            self.refresh_row(before)
            self.refresh_row(self.cursor_row)
            self.post_message(self.Moved())

    def _scroll_to_cursor(self) -> None:
        first, room = self.scroll_offset.y, self._room
        if self.cursor_row < first:
            self.scroll_to(y=self.cursor_row, animate=False, immediate=True)
        elif self.cursor_row >= first + room:
            self.scroll_to(y=self.cursor_row - room + 1, animate=False, immediate=True)

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 1)

    def render_line(self, y: int) -> Strip:
        row = y - 1 + self.scroll_offset.y
        if row >= self.row_count:
            return Strip.blank(self.size.width, self.rich_style)
        if y == 0:
            return self._painted(self.title_line(), "lines--title")
        if row == self.cursor_row:
            # other colours are unreadable on that of the cursor
            return self._painted(Content(self.row_line(row).plain), "lines--cursor")
        return self._painted(self.row_line(row), "lines--even" if row % 2 else "lines--odd")

    def _painted(self, content: Content, name: str) -> Strip:
        base = self.get_visual_style(name)
        parts = content.render(base, end="", parse_style=self.app.stylesheet.parse_style)
        strip = Strip([Segment(text, style.rich_style) for text, style in parts])
        return strip.adjust_cell_length(self.size.width, base.rich_style)

    def on_resize(self) -> None:
        self._scroll_to_cursor()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            self.title_clicked(event.x)
            return
        row = event.y - 1 + self.scroll_offset.y
        if row == self.cursor_row:
            self.action_open()
        elif row < self.row_count:
            self.move_cursor(row)

    # -- the keys of a ScrollView move the cursor

    def action_scroll_up(self) -> None:
        self.move_cursor(self.cursor_row - 1)

    def action_scroll_down(self) -> None:
        self.move_cursor(self.cursor_row + 1)

    def action_page_up(self) -> None:
        self.move_cursor(self.cursor_row - self._room)

    def action_page_down(self) -> None:
        self.move_cursor(self.cursor_row + self._room)

    def action_scroll_home(self) -> None:
        self.move_cursor(0)

    def action_scroll_end(self) -> None:
        self.move_cursor(self.row_count - 1)
