"""RunConfig -> the fields of the New-run form, and what is typed there -> RunConfig or messages.

Nothing about a field is written here: title, words and limits are those of RunConfig, and checking is
RunConfig's own validation. Only what a form adds is: the kind of widget, that files must exist, and what is kept.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from vp_tui.core.config import RunConfig

Kind = Literal["text", "choice", "switch"]
MODEL_FIELD: Final = "model"
FILE_FIELD: Final = "input"
PATH_FIELDS: Final = (MODEL_FIELD, FILE_FIELD)
NOT_IN_FORM = ("tags",)
NOT_KEPT = ("name", "fp32_compare", "trust_remote_code")
"""Said about one run: a name, an exception, and consent to run a stranger's code."""
PYDANTIC_PREFIX = "Value error, "


@dataclass(frozen=True, slots=True)
class FormField:
    """One field as the form shows it."""

    name: str
    title: str
    description: str
    kind: Kind
    choices: tuple[str, ...]
    default: Any
    """Text for a text field, else the value; None: the reader must choose."""
    is_required: bool
    is_more: bool
    """Shown only when the reader asks for more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of the typed values: a config, or a message per field (`""` for the form as a whole)."""

    config: RunConfig | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


def form_fields() -> tuple[FormField, ...]:
    """Every field of RunConfig a person fills in, in its order."""
    return tuple(
        _form_field(name, info)
        for name, info in RunConfig.model_fields.items()
        if name not in NOT_IN_FORM and _wants_form(info)
    )


def _wants_form(info: FieldInfo) -> bool:
    return _place(info) is not False


def _place(info: FieldInfo) -> Any:
    """What the field says about its place in the form: False, "more", or nothing."""
    extra = info.json_schema_extra
    return extra.get("form") if isinstance(extra, dict) else None


def _form_field(name: str, info: FieldInfo) -> FormField:
    kind = _kind(info)
    required = info.is_required()
    default: Any = None if required else info.default
    if kind == "text":
        default = _as_text(default)
    return FormField(
        name=name,
        title=info.title or name,
        description=_describe(info),
        kind=kind,
        choices=get_args(info.annotation) if kind == "choice" else (),
        default=default,
        is_required=required,
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
    """The field's own words, and its limits when it has both."""
    least = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    limits = f" ({least} to {most})" if least is not None and most is not None else ""
    return f"{info.description or ''}{limits}"


def initial_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """An earlier run's config (JSON types) as the form's values; what the form does not know is left out."""
    values: dict[str, Any] = {}
    for item in form_fields():
        if item.name in config:
            value = config[item.name]
            values[item.name] = _as_text(value) if item.kind == "text" else value
    if config.get("precision_requested"):
        # the switch that lowered the precision then may be off now: ask again for what was wanted
        values["precision"] = config["precision_requested"]
    return values


def begin_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every field: the one given, else what an untouched form says."""
    return {item.name: given.get(item.name, _untouched(item)) for item in form_fields()}


def _untouched(item: FormField) -> Any:
    return ("" if item.kind == "text" else False) if item.default is None else item.default


def changed_titles(values: Mapping[str, Any]) -> list[str]:
    """The titles of those fields under "more" that are not as an untouched form has them."""
    return [item.title for item in form_fields() if item.is_more and values[item.name] != _untouched(item)]


def kept_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a later form may begin with; what is no value of the form is left out."""
    fields = {item.name: item for item in form_fields() if item.name not in NOT_KEPT}
    return {name: value for name, value in values.items() if name in fields and _suits(fields[name], value)}


def _suits(item: FormField, value: Any) -> bool:
    if item.kind == "switch":
        return isinstance(value, bool)
    return isinstance(value, str) and (item.kind == "text" or value in item.choices)


def check(values: Mapping[str, Any]) -> Checked:
    """Validate all at once; a field's messages are joined with `or` where its type has alternatives."""
    try:
        return Checked(config=RunConfig.model_validate({name: _expanded(name, text) for name, text in values.items()}))
    except ValidationError as failure:
        return Checked(errors=_messages(failure))


def file_error(name: str, typed: str) -> str | None:
    """What is wrong with a path, None for a good one; a cheap look, but a hanging network path holds it.

    Whether the file is good FASTA is found out by reading it.
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
        return f"cannot be looked at: {error.strerror if isinstance(error, OSError) else error}"
    return f"not a file: {text}" if name == FILE_FIELD and not is_file else None


def _expanded(name: str, value: Any) -> Any:
    if name in PATH_FIELDS and isinstance(value, str) and value.strip().startswith("~"):
        # unlike Path.expanduser, a user who does not exist is no error here
        return os.path.expanduser(value.strip())
    return value


def _messages(failure: ValidationError) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for error in failure.errors(include_url=False, include_context=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        found.setdefault(name, []).append(error["msg"].removeprefix(PYDANTIC_PREFIX))
    return {name: " or ".join(words) for name, words in found.items()}
