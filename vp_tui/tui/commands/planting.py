"""`vp-tui checkpoint plant`: make a checkpoint with known faults in a worker process, and list what was planted."""

from pathlib import Path
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.files import user_path
from vp_tui.core.inputs import spool
from vp_tui.core.store.home import Home
from vp_tui.core.workers.plant import KINDS, RESULT
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output


def run_plant(home: Home, source: str, folder: str, options: dict[str, Any], *, as_json: bool) -> int:
    """Plant and print; `options`: kind, culprits, block (or None), seed, input (or "") and device.

    Raises:
        UsageError, ModelError, InputError: as core.workers.plant.planting.plant.
    """
    if options["kind"] not in KINDS:
        raise UsageError(f"--kind {options['kind']!r}: use one of {', '.join(KINDS)}")
    place = user_path(folder).absolute()
    arguments = ["--model", source, "--folder", str(place), "--kind", options["kind"], "--device", options["device"]]
    arguments += ["--culprits", str(options["culprits"]), "--seed", str(options["seed"])]
    if options["block"] is not None:
        arguments += ["--block", str(options["block"])]
    if options["input"]:
        arguments += ["--input", spool.as_file(options["input"], home.cache)]
    document = module_output(home, "plant", arguments)
    output.result(output.dumped(document) if as_json else report(document, place))
    return ExitCode.GOOD


def report(document: dict[str, Any], folder: Path) -> str:
    """Return the culprits of each site, and how the copy was measured, in lines."""
    measured = document["measured"]
    lines = [fmt.safe(f"planted in {folder} ({RESULT} has the culprits)")]
    for site in document["sites"]:
        lines.append(f"  block {site['block']}, {site['kind']}: keep in FP32 {', '.join(site['culprits'])}")
    lines += [
        f"  FP32: lowest similarity to the source {fmt.similarity(measured['fp32_lowest_cosine'])}",
        f"  FP16: {measured['fp16_failed']} of {fmt.plural(measured['sequences'], 'sequence')} fail, "
        f"{measured['fp16_not_finite']} of them with NaN or Inf",
    ]
    return "\n".join(lines)
