"""RunConfig -> fields of the New-run form, and typed values -> RunConfig or messages; the last values in a file.

Title, description, limits and validation are those of RunConfig. The form adds the kind of widget, that files must
exist, and which values are remembered.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from vp_tui.core.config import PLAN_PREFIX, PrecisionPlan, RunConfig
from vp_tui.core.errors import StoreError
from vp_tui.core.files import replacing
from vp_tui.tui.refusals import refusal_of

Kind = Literal["text", "choice", "switch"]
MODEL_FIELD: Final = "model"
FILE_FIELD: Final = "input"
PATH_FIELDS: Final = (MODEL_FIELD, FILE_FIELD)
NOT_IN_FORM = ("tags",)
NOT_KEPT = ("name", "fp32_compare", "trust_remote_code")
"""Valid for one run only: name, exception, consent to run remote code."""

FILE_NAME = "form.json"

Plans = Mapping[str, PrecisionPlan]
"""plan:NAME -> precision plan; offered as precisions."""
NO_PLANS: Final[Plans] = MappingProxyType({})
PRECISION: Final = "precision"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field as the form shows it."""

    name: str
    title: str
    description: str
    kind: Kind
    choices: tuple[str, ...]
    default: Any
    """Text for a text field, else the value; None: required."""
    is_required: bool
    is_more: bool
    """Shown in the group of more settings."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of validation: a config, or a message per field (`""` for the form as a whole)."""

    config: RunConfig | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


def form_fields(plans: Iterable[str] = ()) -> tuple[FormField, ...]:
    """Return the fields of RunConfig that the form shows, in their order; `plans` are further precisions."""
    return tuple(
        _form_field(name, info, plans if name == PRECISION else ())
        for name, info in RunConfig.model_fields.items()
        if name not in NOT_IN_FORM and _place(info) is not False
    )


def _place(info: FieldInfo) -> Any:
    """Return the field's place in the form: False, "more", or None."""
    extra = info.json_schema_extra
    return extra.get("form") if isinstance(extra, dict) else None


def _form_field(name: str, info: FieldInfo, more: Iterable[str]) -> FormField:
    kind = _kind(info)
    default: Any = None if info.is_required() else info.default
    return FormField(
        name=name,
        title=info.title or name,
        description=_describe(info),
        kind=kind,
        choices=(*get_args(info.annotation), *more) if kind == "choice" else (),
        default=_as_text(default) if kind == "text" else default,
        is_required=info.is_required(),
        is_more=_place(info) == "more",
    )


def _kind(info: FieldInfo) -> Kind:
    if info.annotation is bool:
        return "switch"
    return "choice" if get_origin(info.annotation) is Literal else "text"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)


def _describe(info: FieldInfo) -> str:
    """Return the description, with the limits if it has both."""
    least = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    limits = f" ({least} to {most})" if least is not None and most is not None else ""
    return f"{info.description or ''}{limits}"


def initial_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of an earlier run (JSON types) as values of the form."""
    values: dict[str, Any] = {}
    for item in form_fields():
        if item.name in config:
            value = config[item.name]
            values[item.name] = _as_text(value) if item.kind == "text" else value
    if config.get("precision_requested"):
        # the variable that changed the precision then may be unset now: request the same again
        values[PRECISION] = config["precision_requested"]
    for name in plans_of(config):
        values[PRECISION] = name
    return values


def plans_of(config: Mapping[str, Any]) -> Plans:
    """Return the plan of an earlier run's config by its name as a precision; empty without one."""
    if not config.get("plan"):
        return NO_PLANS
    plan = PrecisionPlan.model_validate(config["plan"])
    return {f"{PLAN_PREFIX}{plan.name}": plan}


def begin_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every field: the given one, else the default."""
    return {item.name: given.get(item.name, _untouched(item)) for item in form_fields()}


def _untouched(item: FormField) -> Any:
    return ("" if item.kind == "text" else False) if item.default is None else item.default


def changed_titles(values: Mapping[str, Any]) -> list[str]:
    """Return the titles of the fields in the group of more settings that differ from their default."""
    return [item.title for item in form_fields() if item.is_more and values[item.name] != _untouched(item)]


def kept_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values to remember for the next form."""
    fields = {item.name: item for item in form_fields() if item.name not in NOT_KEPT}
    return {name: value for name, value in values.items() if name in fields and _suits(fields[name], value)}


def _suits(item: FormField, value: Any) -> bool:
    if item.kind == "switch":
        return isinstance(value, bool)
    return isinstance(value, str) and (item.kind == "text" or value in item.choices)


def check(values: Mapping[str, Any], plans: Plans = NO_PLANS) -> Checked:
    """Validate all values; messages of one field are joined with `or` if its type has alternatives."""
    typed = {name: _expanded(name, text) for name, text in values.items()}
    plan = plans.get(str(typed.get(PRECISION)))
    if plan is not None:
        typed |= {PRECISION: plan.precision, "plan": plan}
    try:
        return Checked(config=RunConfig.model_validate(typed))
    except ValidationError as failure:
        return Checked(errors=_messages(failure))


def file_error(name: str, typed: str) -> str | None:
    """Return what is wrong with a path, or None; blocks on a hanging network path.

    The contents of the file are not checked.
    """
    text = str(_expanded(name, typed)).strip()
    if not text:
        return None
    try:
        is_file = stat.S_ISREG(os.stat(text).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        # a hub id or a short name is not a path; only what looks like one must exist
        return f"no such file: {text}" if name == FILE_FIELD or text.startswith(("/", ".", "~")) else None
    except (OSError, ValueError) as error:
        return f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
    return f"not a file: {text}" if name == FILE_FIELD and not is_file else None


def _expanded(name: str, value: Any) -> Any:
    if name in PATH_FIELDS and isinstance(value, str) and value.strip().startswith("~"):
        # unlike Path.expanduser, it accepts an unknown user
        return os.path.expanduser(value.strip())
    return value


def _messages(failure: ValidationError) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for error in failure.errors(include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        found.setdefault(name, []).append(refusal_of(error))
    return {name: " or ".join(words) for name, words in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Initial values of the form; `trouble` says what of the file was ignored, and why."""

    values: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None


def read_remembered(folder: Path) -> Remembered:
    """Return the last values, kept next to the store; a damaged file is reported, a missing one is not."""
    path = folder / FILE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError, RecursionError) as error:
        return Remembered(trouble=f"{path} cannot be read, form starts empty: {error}")
    if not isinstance(document, dict):
        return Remembered(trouble=f"{path} has no values, form starts empty")
    known = kept_values(document)
    ignored = sorted(document.keys() - known.keys())
    words = f"{path}: ignored unknown values: {', '.join(ignored)}" if ignored else None
    return Remembered(values=known, trouble=words)


def write_remembered(folder: Path, values: Mapping[str, Any]) -> None:
    """Write the values for the next form, completely or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    path, kept = folder / FILE_NAME, kept_values(values)
    ordered = {item.name: kept[item.name] for item in form_fields() if item.name in kept}
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot save the form's values: {path}: {error.strerror or error}") from error
