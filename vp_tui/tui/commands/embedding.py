"""`vp-tui embed` and `vp-tui merge`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.files import user_path
from vp_tui.core.runs import devices
from vp_tui.core.shards import share
from vp_tui.core.shards.merge import merge
from vp_tui.core.shards.tables import FORMATS, STORED
from vp_tui.core.store.home import Home
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import run_module, run_stoppable
from vp_tui.tui.commands.starting import configured

_OF_FOLDERS: Final = {"--resume", "--shard", "--format", "--store", "--per-file"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    """The options of embed that only an output folder has."""

    resume: bool
    shard: str
    format: str
    store: str
    per_file: int

    def arguments(self) -> list[str]:
        """Return them for the worker, checked.

        Raises UsageError: an unknown value, or --shard slurm outside of an array.
        """
        for name, value, known in (("format", self.format, FORMATS), ("store", self.store, STORED)):
            if value not in known:
                raise UsageError(f"--{name} {value!r}: use one of {', '.join(known)}")
        shard = share.parse(self.shard, os.environ)
        found = ["--shard", str(shard), "--format", self.format, "--store", self.store]
        return [*found, "--per-file", str(self.per_file), *["--resume"] * self.resume]


def run_embed(home: Home, values: Mapping[str, Any], output_name: str, folder: FolderOptions, given: set[str]) -> int:
    """Embed in a worker process after checking the options; `given` are the options of this command line.

    Raises UsageError: an option of folders with a file as the output.
    """
    into_folder = output_name.endswith("/") or user_path(output_name).is_dir()
    misplaced = sorted(_OF_FOLDERS & given)
    if misplaced and not into_folder:
        raise UsageError(f"{misplaced[0]} needs a folder as the output, got {output_name!r}: end its name in /")
    own = folder.arguments() if into_folder else []
    config = configured(values)
    devices.require(config)
    arguments = ["--model", config.model, "--input", config.input, "--output", output_name]
    plan = [] if config.plan is None else ["--plan", config.plan.model_dump_json()]
    arguments += [*plan, "--precision", config.precision, "--device", config.device, "--attention", config.attention]
    arguments += [f"--devices={config.devices}", f"--ray={config.ray}"]
    arguments += ["--token-budget", str(config.token_budget), *["--trust-remote-code"] * config.trust_remote_code]
    if into_folder:
        # a batch system stops a job by a signal to this process
        return run_stoppable(home, "embed-folder", arguments + own)
    return run_module(home, "embed", arguments)


def run_merge(out: str, parts: Sequence[str]) -> int:
    """Merge and tell what came out."""
    merged = merge(user_path(out), [user_path(part) for part in parts], output.say)
    total = sum(one.sequences for one in merged.files)
    output.say(f"{out}: {total} embeddings in {len(merged.files)} files of {len(merged.shards)} shards")
    return ExitCode.GOOD
