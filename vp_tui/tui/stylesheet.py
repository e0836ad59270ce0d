"""The style sheet of the dashboard, parsed once per theme.

Textual asks for new CSS variables at every start, for every new screen and for every modal, and then parses all style
sheets again: a tenth of a second per dialog on a slow core, although the theme is the same.
"""

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    """Textual's style sheet; rules that were parsed with the same variables are kept."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._given = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set CSS variables; only other ones discard the rules that are parsed."""
        if variables != self._given:
            self._given = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is not parsed yet; an error leaves the rules as they were."""
        self.parse()
