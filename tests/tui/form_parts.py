"""What the tests of the form of a new run share: estimates, and hands for the form."""

from textual.widgets import Input

from vp_tui.core.runs.estimate.figures import ArmEstimate, Estimate
from vp_tui.core.runs.estimate.known import EarlierRun
from vp_tui.core.runs.estimate.planned import PlannedDevices
from vp_tui.tui.panels.path_field import ChoiceList
from vp_tui.tui.screens.new_run import NewRunScreen

LIKE = EarlierRun(run_id=41, created_at_us=1, seconds=403.0, config={}, arms={})


def arm(precision="fp16", seconds=83.5, weight_bytes=6 * 2**30, like=LIKE):
    return ArmEstimate(precision=precision, seconds=seconds, like=like, weight_bytes=weight_bytes)


def estimate_of(**changes):
    values = {
        "in_file": 20_000, "strata": {"short": 3334, "medium": 3333, "long": 3333}, "tokens": 1_400_000,
        "is_exact": True, "reference": arm("fp32", 171.2, 12 * 2**30), "candidate": arm(), "stored_by": None,
        "devices": PlannedDevices(names=("cuda:0",)), "free_bytes": 139 * 2**30, "to_fetch": None,
        "precision_reason": None,
    }  # fmt: skip
    return Estimate(**values | changes)


async def opened(driven, key="n"):
    await driven.press(key)
    await driven.until(lambda: isinstance(driven.app.screen, NewRunScreen))
    await driven.pilot.pause()
    return driven.app.screen


async def fill(driven, **values):
    for name, value in values.items():
        driven.app.screen.query_one(f"#field-{name}", Input).value = value
    await driven.pilot.pause()


def value_of(driven, name):
    return driven.app.screen.query_one(f"#field-{name}", Input).value


def choices_of(driven, name="model"):
    row = driven.app.screen.query_one(f"#field-{name}", Input).parent
    return [choice.value for choice in row.query_one(ChoiceList).choices]


def is_whole(driven, *words):
    return all(word in driven.text for word in words)
