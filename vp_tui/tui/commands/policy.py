"""`vp-tui policy`: the precision that production should use, as text, JSON or a shell line."""

import os
from collections.abc import Callable
from typing import Any

from vp_tui.core.config import Precision, PrecisionPlan, plan_named
from vp_tui.core.errors import StoreError, UsageError, VpTuiError
from vp_tui.core.formats import BUILT_IN
from vp_tui.core.inputs.source import resolve
from vp_tui.core.runs import policy
from vp_tui.core.runs.policy import Policy
from vp_tui.core.store import plans
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.text import safe
from vp_tui.tui import policy_line
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output

_REDUCED: dict[str, Precision] = {"fp16": "fp16", "bf16": "bf16", "tf32": "tf32", **dict.fromkeys(BUILT_IN, "fp16")}
"""What --precision takes -> the precision of all units, or of those outside the built-in plan."""


def print_policy(
    store: Callable[[], Home],
    model: str,
    precision: str,
    *,
    device: str,
    as_env: bool,
    as_json: bool,
    target: str = policy_line.TARGETS[0],
) -> None:
    """Print the precision for production. After an error, cli.main prints the line that a shell asked for.

    Raises:
        UsageError: conflicting options, unknown precision or device.
        ModelError: missing checkpoint. StoreError: the store cannot be read. ResourceError: torch does not start.
    """
    if target not in policy_line.TARGETS:
        raise UsageError(f"--for {target!r}: use one of {', '.join(policy_line.TARGETS)}")
    try:
        found = _decided(store, model, precision, device=device, as_env=as_env, as_json=as_json)
    except VpTuiError:
        raise
    except Exception as error:
        # a damaged row may raise anything; cli.main prints the line that switches FP16 off
        raise StoreError(
            f"the policy cannot be decided: {type(error).__name__}: {safe(error)}; see `vp-tui db check`"
        ) from error
    if as_env:
        policy_line.emit(disable=not found.is_allowed)
        output.say(f"{found.precision}: {found.reason}")
    elif as_json:
        output.result(output.dumped(found.document()))
    else:
        output.result(f"{found.precision}: {safe(found.reason)}")


def _decided(
    store: Callable[[], Home], model: str, precision: str, *, device: str, as_env: bool, as_json: bool
) -> Policy:
    if precision not in _REDUCED:
        raise UsageError(f"--precision {precision!r}: use one of {', '.join(_REDUCED)}")
    if as_env and as_json:
        raise UsageError("--env and --json exclude each other: use one of them")
    if as_env and precision != "fp16":
        raise UsageError(f"--env supports fp16 only, got --precision {precision}: omit --env")
    requested = plan_named(precision)
    assert requested is not None, "every name of _REDUCED has a plan"
    source = resolve(model)
    switched_off = policy.switched_off(precision, _REDUCED[precision], os.environ)
    if switched_off is not None:
        return switched_off
    home = store()
    here: dict[str, Any] = module_output(home, "env-probe", ["--model", model, "--device", device])
    with Reader(home) as reader:

        def decided(plan: PrecisionPlan) -> Policy:
            validations = policy.validations(reader, plan, source, here["weights_sha256"])
            return policy.decide(precision, model, validations, here["environment"])

        stored = (one.plan for one in plans.listed(home))
        return policy.with_plans(decided(requested), stored, decided)
