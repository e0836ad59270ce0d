"""The folders of all jobs of one input as one folder, or a refusal that names what is wrong.

Files keep their names, which are the numbers of their windows, so the merged folder holds the files of a single job.
They are linked where the file system can, else copied; their checksums are read either way.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import InputError, ResourceError, UsageError
from vp_tui.core.fingerprint import differences, in_words
from vp_tui.core.shards import manifest as manifests
from vp_tui.core.shards.folder import sha256_of
from vp_tui.core.shards.manifest import NAME, SHARD, Manifest, WrittenFile

Jobs = Mapping[Path, Manifest]
_NAMED: Final = 8
"""Missing numbers that an error lists."""


def merge(out: Path, given: Sequence[Path], report: Callable[[str], None]) -> Manifest:
    """Put the files of all jobs into `out`, a new folder, and return its manifest.

    `given` are folders of jobs, or folders that hold such folders.

    Raises:
        UsageError: `out` holds something.
        InputError: a folder that is no job's, a job that is missing, there twice, incomplete or of another input,
            checkpoint, precision or number of shards, and a file that is missing, foreign or damaged.
        ResourceError: the disk.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not an empty folder; give a new one")
    jobs = _jobs(given)
    _require_alike(jobs)
    _require_one_reading(jobs)
    _require_each_once(jobs)
    for folder, job in jobs.items():
        _require_files(folder, job)
    merged = _merged(jobs, report)
    _gather(out, jobs, merged)
    return merged


def _jobs(given: Iterable[Path]) -> dict[Path, Manifest]:
    found: dict[Path, Manifest] = {}
    for folder in given:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; give the output folders of `vp-tui embed --shard I/N`")
        inside = [folder] if (folder / NAME).exists() else sorted(one for one in folder.iterdir() if one.is_dir())
        if not inside:
            raise InputError(
                f"{folder} has no {NAME} and holds no folder that has one: it is no output of vp-tui embed"
            )
        for one in inside:
            job = manifests.read(one)
            if job is None:
                raise InputError(f"{one} has no {NAME}: it is no output of `vp-tui embed -o FOLDER/`; leave it out")
            if one.resolve() in map(Path.resolve, found):
                raise InputError(f"{one} is given twice; give each folder once")
            if not job.is_complete:
                raise InputError(f"{one} (shard {job.identity[SHARD]}) is not complete; continue it with --resume")
            found[one] = job
    return found


def _require_alike(jobs: Jobs) -> None:
    """Refuse jobs that were not made by one command from one input; the first is the measure."""
    first = next(iter(jobs))
    for folder, job in jobs.items():
        count, of_first = job.shard[1], jobs[first].shard[1]
        if count != of_first:
            raise InputError(
                f"{folder} is shard {job.identity[SHARD]} and {first} is shard {jobs[first].identity[SHARD]}: "
                "the number of shards changed; embed all of them with one N"
            )
        differing = differences(_common(jobs[first]), _common(job))
        if differing:
            raise InputError(
                f"{folder} does not belong to {first}: {in_words(differing)}; embed it again or leave it out"
            )


def _common(job: Manifest) -> dict[str, Any]:
    """Return everything that all jobs of an input have in common."""
    assert job.read is not None
    common = {name: value for name, value in job.identity.items() if name != SHARD}
    return common | {"input_sha256": job.read.sha256, "input_sequences": job.read.sequences, "files": job.read.windows}


def _require_one_reading(jobs: Jobs) -> None:
    """Refuse files whose sequences were read by another tokenizer, or as another alphabet, than those of the first."""
    read = [(folder / one.name, one) for folder, job in jobs.items() for one in job.files]
    for path, one in read:
        first_path, first = read[0]
        if (one.alphabet, one.tokenizer) != (first.alphabet, first.tokenizer):
            raise InputError(
                f"{path} has {one.alphabet} read by the tokenizer {one.tokenizer[:12]}, {first_path} {first.alphabet} "
                f"by {first.tokenizer[:12]}; embed sequences of one alphabet, with one checkpoint"
            )


def _require_each_once(jobs: Jobs) -> None:
    owners: dict[int, Path] = {}
    for folder, job in jobs.items():
        number = job.shard[0]
        if number in owners:
            raise InputError(
                f"{owners[number]} and {folder} are both shard {job.identity[SHARD]}; leave one of them out"
            )
        owners[number] = folder
    count = next(iter(jobs.values())).shard[1]
    missing = [number for number in range(1, count + 1) if number not in owners]
    if missing:
        told = ", ".join(f"{number}/{count}" for number in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise InputError(f"shard {told}{more} is missing; embed it, or give its folder too")


def _require_files(folder: Path, job: Manifest) -> None:
    """Refuse a folder whose files are not exactly those that its share of the windows needs."""
    assert job.read is not None
    number, count = job.shard
    if [one.index for one in job.files] != list(range(number - 1, job.read.windows, count)):
        raise InputError(f"{folder / NAME} does not list the files of shard {number}/{count}; embed it again")
    known = {one.name for one in job.files} | {NAME}
    for path in sorted(folder.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            raise InputError(f"{path} is not in {NAME} of its folder; move it elsewhere")
    for one in job.files:
        path = folder / one.name
        if Path(one.name).name != one.name or not path.is_file():
            raise InputError(f"{path} is missing; make it again by the command of its shard with --resume")
        if path.stat().st_size != one.bytes:
            raise InputError(f"{path} is corrupt: {path.stat().st_size} bytes instead of {one.bytes}")


def _merged(jobs: Jobs, report: Callable[[str], None]) -> Manifest:
    ordered = sorted(jobs.values(), key=lambda job: job.shard)
    environments = [environment for job in ordered for environment in job.environments]
    distinct = [one for place, one in enumerate(environments) if one not in environments[:place]]
    for name, values in _varying(distinct).items():
        report(f"the shards differ in {name}: {', '.join(map(str, values))}")
    files = sorted((one for job in ordered for one in job.files), key=lambda one: one.index)
    shards = tuple(
        {SHARD: job.identity[SHARD], "environments": list(job.environments), "policy": job.about.get("policy")}
        for job in ordered
    )
    first = ordered[0]
    about = {name: value for name, value in first.about.items() if name != "policy"}
    policies = [job.about.get("policy") for job in ordered]
    about["policy"] = policies[0] if all(one == policies[0] for one in policies) else "see shards"
    return replace(
        first, identity=first.identity | {SHARD: "1/1"}, about=about, environments=tuple(distinct), files=tuple(files),
        shards=shards,
    )  # fmt: skip


def _varying(environments: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the versions and devices that are not the same everywhere; token budgets may differ freely."""
    names = dict.fromkeys(name for one in environments for name in one if name != "token_budget")
    # a shard without sequences has met no device
    values = {name: list(dict.fromkeys(one[name] for one in environments if name in one)) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def _gather(out: Path, jobs: Jobs, merged: Manifest) -> None:
    """Link or copy all files into a hidden folder beside `out`, check each, and give the folder its name."""
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        for folder, job in jobs.items():
            for one in job.files:
                _take(folder, one, temporary / one.name)
        manifests.write(temporary, merged)
        temporary.replace(out)
    except OSError as error:
        raise ResourceError(
            f"cannot write {out}: {error.strerror or error}; free space or name another folder"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _take(folder: Path, one: WrittenFile, target: Path) -> None:
    try:
        os.link(folder / one.name, target)
    except OSError:
        # another file system, or one without links
        shutil.copyfile(folder / one.name, target)
    if sha256_of(target) != one.sha256:
        raise InputError(
            f"{folder / one.name} is corrupt: its bytes do not fit their checksum; delete it and make it again by the "
            "command of its shard with --resume"
        )
