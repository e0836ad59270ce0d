"""Base of widgets and screens with abstract methods: Textual's metaclass excludes ABCMeta."""

from typing import Any


class Abstract:
    """A class that inherits from it cannot be instantiated while one of its methods is abstract."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        missing = {name for name in dir(cls) if getattr(getattr(cls, name, None), "__isabstractmethod__", False)}
        # object.__new__ looks at it, with or without ABCMeta
        cls.__abstractmethods__ = frozenset(missing)  # type: ignore[attr-defined]
