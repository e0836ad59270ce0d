"""`vp-tui judge`: both sides are checked by a worker, then judged in an ordinary run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from vp_tui.core.config import RunConfig
from vp_tui.core.inputs import spool
from vp_tui.core.store.home import Home
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.starting import configured

_DEFAULTS: Final = {"candidate": "fp16", "reference": "fp32"}
_UNSAID: Final = {"precision": "", "reference": ""}


def checked(
    home: Home,
    values: Mapping[str, Any],
    reference: str,
    candidate: str,
    *,
    fasta: str,
    said: Mapping[str, str] = _UNSAID,
    tables: Mapping[str, str] = MappingProxyType({}),
) -> RunConfig:
    """Return the configuration of a judged run, both of whose sides were read by a worker.

    `tables` are the options of predictions (truth, names of columns); `said` has the precisions given as options, by
    RunConfig field; empty: what the files say, else fp16 against fp32.

    Raises:
        InputError, ModelError, UsageError: bad input, before a run exists.
    """
    arguments = ["--reference", reference, "--candidate", candidate]
    if fasta:
        arguments += ["--input", spool.as_file(fasta, home.cache)]
    arguments += [word for name, value in tables.items() if value for word in (f"--{name}", value)]
    found = module_output(home, "judge-check", arguments)
    told = found["precisions"]
    precisions = {
        "precision": said["precision"] or told.get("candidate") or _DEFAULTS["candidate"],
        "reference": said["reference"] or told.get("reference") or _DEFAULTS["reference"],
    }
    sides = {"model": found["judged"]["reference"], "input": found["input"], "judged": found["judged"]}
    return configured({**values, **sides, **precisions})
