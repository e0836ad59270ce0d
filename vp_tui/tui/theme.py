"""The colours of the dashboard: Textual's flexoki, in which red, gold and green stay apart in 16 and 256 colours.

Red is `do not use this precision`, gold is `usable, but read on`; nothing else has them. The three are colours of the
256-colour palette, next to the terminal's own bright red, yellow and green.
"""

from dataclasses import replace
from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

NAME: Final = "vp-tui"
_BASE: Final = BUILTIN_THEMES["flexoki"]
THEME: Final[Theme] = replace(
    _BASE,
    name=NAME,
    variables={
        **_BASE.variables,
        "text-error": "#ff5f5f",
        "text-warning": "#ffd75f",
        "text-success": "#5fd75f",
    },
)
