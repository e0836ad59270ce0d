"""The two formats of a search: what the run suggests, or why it cannot be searched. No torch."""

from vp_tui.core.config import Precision
from vp_tui.core.errors import UsageError
from vp_tui.core.formats import UnitFormat
from vp_tui.core.store.snapshot import RunRow


def formats(
    run: RunRow, precision: Precision, *, is_planned: bool, faster: bool, has_fp8: bool = False
) -> tuple[UnitFormat, Precision]:
    """Return the base format and the one of kept units; `has_fp8`: the device multiplies FP8.

    A failed run keeps units in FP32. The fastest plan of a run that passed in FP32 or TF32 has FP16 as its base, and
    keeps in the run's own format what FP16 cannot hold. Below FP16 are linear layers in FP8: of a run that
    passed in FP16 and of one that failed in FP8 the search keeps those in FP16 that need it.

    Raises UsageError: there is nothing to search for.
    """
    is_fp8 = run.precision in {"fp8", "fp8-ffn"}
    if is_planned and not is_fp8:
        raise UsageError(f"run #{run.id} ran with {run.precision}: search a run in {precision} instead")
    if run.verdict == "INVALID":
        raise UsageError(f"run #{run.id} has no valid reference, so no trial could be judged: {run.sentence}")
    has_passed = run.verdict in {"PASS", "WARN"}
    if not faster and has_passed:
        raise UsageError(
            f"run #{run.id} passed in {run.precision}: no unit needs a higher precision. "
            "--faster looks for a faster plan that still passes"
        )
    if not faster:
        return ("fp8", "fp16") if is_fp8 else (precision, "fp32")
    if run.verdict == "FAIL":
        raise UsageError(f"run #{run.id} ended with FAIL: --faster starts from a run that passed; omit it")
    if precision in {"fp32", "tf32"}:
        return "fp16", precision
    if precision == "fp16" and not is_fp8 and has_fp8:
        return "fp8", "fp16"
    raise UsageError(f"run #{run.id} passed in {precision}, and no faster format is known for its device")
