"""Command line options built from RunConfig's fields: default, help, choices and limits are written once, there."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from vp_tui.core.config import PLAN_PREFIX, Precision, RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.formats import BUILT_IN, EMULATED
from vp_tui.tui.cli_app import home, pairs

OPTIONS: Final = tuple(name for name, field in RunConfig.model_fields.items() if field.description)
"""The fields that `vp-tui run` offers; those without a description are set by the program."""

_FLAGS: Final = {"model": ("--model", "-m"), "input": ("--input", "-i"), "tags": ("--tag",)}
_METAVARS: Final = {
    "input": "FASTA", "precision": "fp32|tf32|bf16|fp16|fp8|fp8-ffn|fp16-acc16|plan:NAME", "strata": "N,N",
    "token_budget": "auto|N", "device": "auto|cpu|cuda|cuda:N", "devices": "all|N,N|cpu:N", "ray": "HOST:PORT|auto",
    "name": "TEXT",
    "tags": "K=V", "thresholds": "FILE",
}  # fmt: skip

MIN_ORACLE: Final = 8
"""The fewest sequences in FP64 that prove a reference: R4 is judged from as many on."""


def config_options(*names: str, **defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per named RunConfig field; the command gets the values as its argument `config`.

    `defaults` differ from RunConfig's for this command.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [one for one in inspect.signature(command).parameters.values() if one.name != "config"]

        @functools.wraps(command)
        def with_config(**values: Any) -> None:
            config = {name: values.pop(name) for name in names}
            if "tags" in config:
                config["tags"] = pairs(config["tags"] or [], "--tag")
            command(config=config, **values)

        options = [_option(name, RunConfig.model_fields[name], defaults) for name in names]
        parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in [*options, *own]]
        with_config.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by typer
        with_config.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_config

    return decorate


def proving(oracle: int, *, is_refused: bool) -> int:
    """Return the number of sequences in FP64 for --oracle and --no-oracle; RunConfig refuses a negative one.

    Raises UsageError: some, but too few to prove anything.
    """
    if is_refused:
        return 0
    if 0 < oracle < MIN_ORACLE:
        raise UsageError(f"--oracle is 0, or {MIN_ORACLE} and more (got {oracle}): fewer sequences prove no reference")
    return oracle


def _option(name: str, field: FieldInfo, defaults: dict[str, Any]) -> inspect.Parameter:
    # a precision may be a plan, which commands.starting reads
    kind: Any = str if name == "precision" else _kind(field.annotation)
    flags = _FLAGS.get(name, (f"--{name.replace('_', '-')}",))
    option = typer.Option(
        *flags,
        help=f"{field.description}{_more(name, field)}",
        metavar=_metavar(name, kind),
        autocompletion=_precisions if name == "precision" else None,
    )
    default = defaults.get(name, field.get_default(call_default_factory=False))
    if field.is_required() and name not in defaults:
        default = inspect.Parameter.empty
    elif kind == list[str] | None:
        default = None
    elif kind is str and not isinstance(default, str):
        default = ""
    annotation = Annotated[kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _precisions(incomplete: str) -> list[str]:
    """Return the precisions and the stored plans that begin with what was typed."""
    plans = (f"{PLAN_PREFIX}{path.stem}" for path in sorted(home().plans.glob("*.json")))
    return [name for name in (*get_args(Precision), *BUILT_IN, *plans) if name.startswith(incomplete)]


def _more(name: str, field: FieldInfo) -> str:
    """Return the limits, which RunConfig checks: its error names the value, typer's does not."""
    sides = [getattr(one, side) for side in ("ge", "le") for one in field.metadata if hasattr(one, side)]
    return f" ({sides[0]} to {sides[1]})" if len(sides) == 2 else " Repeatable." if name == "tags" else ""


def _kind(annotation: Any) -> Any:
    """Return the type typer parses: bool, int and Literal as they are, key=value lists, else text for RunConfig."""
    if annotation in (bool, int) or get_origin(annotation) is Literal:
        return annotation
    return list[str] | None if get_origin(annotation) is dict else str


def _metavar(name: str, kind: Any) -> str | None:
    if kind is bool:
        return None
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return "|".join(choices) or _METAVARS.get(name, "N" if kind is int else name.upper())


Emulate = Annotated[
    str,
    typer.Option(
        "--emulate",
        metavar="|".join(EMULATED),
        help="Round operands of linear layers as this format does, in FP32 on any device: accuracy only.",
    ),
]


def emulated(emulate: str, given: set[str]) -> dict[str, str]:
    """Return the value of --emulate for a configuration; empty without one.

    Raises UsageError: it is given beside --precision.
    """
    if emulate and "--precision" in given:
        raise UsageError("--emulate and --precision exclude each other: use one of them")
    return {"emulate": emulate} if emulate else {}
