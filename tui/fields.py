"""RunConfig -> the fields of the New-run form, and what is typed there -> RunConfig or messages.

Nothing about a field is written here: title, words and limits are those of RunConfig, and checking is
RunConfig's own validation. Only what a form adds is: the kind of widget, and that files must exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from vp_tui.core.config import RunConfig

Kind = Literal["text", "choice", "switch"]
FILE_FIELD = "input"
PATH_FIELDS = ("model", FILE_FIELD)
NOT_IN_FORM = ("tags",)
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
    extra = info.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("form") is False)


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


def check(values: Mapping[str, Any]) -> Checked:
    """Validate all at once; a field's messages are joined with `or` where its type has alternatives."""
    given = {name: _expanded(name, value) for name, value in values.items()}
    errors = _file_errors(given)
    try:
        config = RunConfig.model_validate(given)
    except ValidationError as failure:
        return Checked(errors=errors | _messages(failure))
    return Checked(errors=errors) if errors else Checked(config=config)


def _expanded(name: str, value: Any) -> Any:
    if name in PATH_FIELDS and isinstance(value, str) and value.strip().startswith("~"):
        return str(Path(value.strip()).expanduser())
    return value


def _messages(failure: ValidationError) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for error in failure.errors(include_url=False, include_context=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        found.setdefault(name, []).append(error["msg"].removeprefix(PYDANTIC_PREFIX))
    return {name: " or ".join(words) for name, words in found.items()}


def _file_errors(values: Mapping[str, Any]) -> dict[str, str]:
    """Cheap looks only; whether the file is good FASTA is found out on start."""
    errors: dict[str, str] = {}
    for name in PATH_FIELDS:
        text = str(values.get(name, "")).strip()
        # a hub id or a short name is not a path; only what looks like one must exist
        if not text or (name != FILE_FIELD and not text.startswith(("/", "."))):
            continue
        path = Path(text)
        if not path.exists():
            errors[name] = f"no such file: {text}"
        elif name == FILE_FIELD and not path.is_file():
            errors[name] = f"not a file: {text}"
    return errors
