"""List of log lines and events: renders only visible lines, follows the newest or keeps its position."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from vp_tui.core import text as fmt
from vp_tui.tui.panels.log_rows import Kind, Row, as_text, drawn, matches, words

PREFIX = 18
"""Maximum columns before the text."""


class LogView(ScrollView, can_focus=True):
    """Shows rows; `following` while it stays at the newest one."""

    ALLOW_SELECT = False
    topic = "logs"

    class Moved(Message):
        """Following or the current match changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._kind: Kind = "both"
        self._needle = ""
        self.matches: tuple[int, ...] = ()
        self._current: tuple[str, int] | None = None
        self.following = True

    # -- what it shows

    def show(self, found: tuple[Row, ...], kind: Kind) -> None:
        """Show the rows; unless following, the position stays at the same line."""
        if found == self._rows and kind == self._kind:
            return
        top = self._rows[self._top].key if self._rows and not self.following else None
        self._rows, self._kind = found, kind
        self.matches = matches(self._rows, self._kind, self._needle)
        widest = max((fmt.columns(row.text) for row in found), default=0)
        self.virtual_size = Size(widest + PREFIX, len(found))
        if self.following:
            self._to_end()
        elif top is not None:
            self.scroll_to(y=_index_of(found, top), animate=False, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, style = self.scrollable_content_region.width, self.visual_style
        if top + y >= len(self._rows):
            return Strip.blank(width, style.rich_style)
        row = self._rows[top + y]
        content = drawn(row, self._kind, self._needle, is_current=row.key == self._current)
        wide = max(1, content.cell_length)
        strip = Visual.to_strips(self, content, wide, 1, style, apply_selection=False)[0]
        if content.cell_length > left + width:
            # cut: the right arrow scrolls
            return Strip.join([strip.crop(left, left + width - 2), Strip([Segment("..", style.rich_style)])])
        return strip.crop_extend(left, left + width, style.rich_style)

    def copy_text(self) -> str:
        return as_text(self._rows, self._kind)

    # -- where it is

    @property
    def _top(self) -> int:
        return min(round(self.scroll_y), len(self._rows) - 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follow(round(new_value) >= self.max_scroll_y)

    def on_resize(self) -> None:
        if self.following:
            self._to_end()

    def toggle_following(self) -> None:
        self._follow(not self.following)
        if self.following:
            self._to_end()

    def _follow(self, is_following: bool) -> None:
        if is_following != self.following:
            self.following = is_following
            self.post_message(self.Moved())

    def _to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    # -- what is looked for

    def look_for(self, needle: str) -> None:
        """Highlight the text and scroll to the newest match."""
        self._needle = needle
        self._current = None
        self.matches = matches(self._rows, self._kind, self._needle)
        if self.matches:
            self._go(self.matches[-1])
        self.refresh()
        self.post_message(self.Moved())

    def next_match(self, step: int) -> None:
        """Go to the next match, or with -1 to the previous one, cyclically."""
        if not self.matches:
            return
        at = self.match_number
        last = len(self.matches) - 1
        place = (at - 1 + step) % len(self.matches) if at is not None else 0 if step > 0 else last
        self._go(self.matches[place])
        self.refresh()
        self.post_message(self.Moved())

    @property
    def match_number(self) -> int | None:
        """Number of the current match, from 1; None without one."""
        at = (number for number, index in enumerate(self.matches, 1) if self._rows[index].key == self._current)
        return next(at, None)

    def _go(self, index: int) -> None:
        row = self._rows[index]
        self._current = row.key
        height = self.scrollable_content_region.height
        if not self._top <= index < self._top + height:
            self.scroll_to(y=index - height // 2, animate=False, immediate=True)
        column = words(row, self._kind).lower().find(self._needle.lower())
        is_in_sight = PREFIX + column + len(self._needle) <= self.scrollable_content_region.width
        self.scroll_to(x=0 if is_in_sight else column, animate=False, immediate=True)


def _index_of(found: Sequence[Row], key: tuple[str, int]) -> int:
    """Return the index of the row; 0 if it is not listed any more."""
    return next((index for index, row in enumerate(found) if row.key == key), 0)
