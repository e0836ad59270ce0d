"""Stored precision plans: a JSON file per plan under VP_TUI_HOME/plans, the same as a plan file of the user.

    {"schema_version": 1, "name": "run-7", "precision": "fp16", "kept": {"layers.3.fc1": "fp32", ...},
     "digest": "...", "origin": {"run_uuid": "...", "is_confirmed": true}}

The digest covers precision and kept units. A file whose digest does not fit was edited by hand: it is a plan of its
own, without the origin of the one that it was made of.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from vp_tui.core.config import PLAN_NAME, PLAN_PREFIX, Precision, PrecisionPlan
from vp_tui.core.errors import StoreError, UsageError
from vp_tui.core.files import read_json, replacing, user_path
from vp_tui.core.fingerprint import plan_hash
from vp_tui.core.formats import is_shown_as_built_in
from vp_tui.core.store.home import Home
from vp_tui.core.thresholds import Frozen

SCHEMA_VERSION: Final = 1
_SUFFIX: Final = ".json"


class Origin(Frozen):
    """Where a plan comes from."""

    run_uuid: str
    """The run whose search found it."""
    is_confirmed: bool
    """It passed on sequences that the search had not seen."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    plan: PrecisionPlan
    origin: Origin | None
    """None for a plan that no search has found, or that was edited since."""
    is_edited: bool = False


def path_of(home: Home, name: str) -> Path:
    return home.plans / f"{name}{_SUFFIX}"


def save(home: Home, plan: PrecisionPlan, origin: Origin | None = None) -> Path:
    """Write a plan, in place of one of the same name; return its path.

    Raises:
        UsageError: a name that cannot be one. StoreError: the folder cannot be written.
    """
    if not re.fullmatch(PLAN_NAME, plan.name):
        raise UsageError(f"{plan.name!r} cannot name a plan: use letters, digits, dots, dashes, at most 60")
    _require_storable(plan, plan.name)
    path = path_of(home, plan.name)
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(document(StoredPlan(plan, origin)), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write the plan {path}: {error.strerror or error}") from error
    return path


def document(stored: StoredPlan) -> dict[str, Any]:
    """Return a plan as it stands in a file."""
    plan = stored.plan
    return {
        "schema_version": SCHEMA_VERSION,
        **plan.model_dump(mode="json"),
        "digest": plan_hash(plan),
        "origin": None if stored.origin is None else stored.origin.model_dump(mode="json"),
    }


def read(path: Path) -> StoredPlan:
    """Return the plan in a file.

    Raises:
        UsageError: there is no such file, or it is not a plan; with what is wrong.
    """
    try:
        content = read_json(path)
    except FileNotFoundError as error:
        raise UsageError(f"no plan file {path}; `vp-tui plan list` shows the stored plans") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a plan: {error}") from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(f"{path} is no plan of schema version {SCHEMA_VERSION}; `vp-tui plan show --json` prints one")
    fields = {name: content[name] for name in ("name", "precision", "kept") if name in content}
    unknown = sorted(content.keys() - {*fields, "schema_version", "digest", "origin"})
    if unknown:
        raise UsageError(f"{path} has unknown fields: {', '.join(unknown)}")
    try:
        plan = PrecisionPlan.model_validate(fields)
        origin = None if content.get("origin") is None else Origin.model_validate(content["origin"])
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError(f"{path} is not a valid plan: {wrong}") from error
    if not re.fullmatch(PLAN_NAME, plan.name):
        raise UsageError(f"{path} is not a valid plan: name {plan.name!r} cannot be one")
    _require_storable(plan, str(path))
    is_edited = content.get("digest") not in (None, plan_hash(plan))
    return StoredPlan(plan, None if is_edited else origin, is_edited)


def _require_storable(plan: PrecisionPlan, what: str) -> None:
    if is_shown_as_built_in(plan.name):
        raise UsageError(f"{what}: {plan.name} is a built-in plan; give the plan another name")
    if plan.is_emulated:
        raise UsageError(f"{what}: a stored plan cannot have emulated units; use --emulate")
    if plan.precision not in get_args(Precision):
        raise UsageError(f"{what}: the base cannot be {plan.precision}; use one of {', '.join(get_args(Precision))}")


def load(home: Home, text: str) -> StoredPlan:
    """Return the plan that `text` names: plan:NAME or NAME of a stored one, or the path of a plan file.

    Raises:
        UsageError: there is none; with the names there are.
    """
    name = text.removeprefix(PLAN_PREFIX)
    if re.fullmatch(PLAN_NAME, name) and path_of(home, name).exists():
        return read(path_of(home, name))
    if Path(name).suffix == _SUFFIX or "/" in name:
        return read(user_path(name))
    known = ", ".join(one.plan.name for one in listed(home)) or "none"
    raise UsageError(f"no plan {name!r} is stored (there are: {known}); give a stored name or the path of a plan file")


def listed(home: Home) -> tuple[StoredPlan, ...]:
    """Return the stored plans by name. Raises UsageError for a file that is not a plan."""
    return tuple(read(path) for path in sorted(home.plans.glob(f"*{_SUFFIX}")))
