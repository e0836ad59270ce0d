"""Very large sets by real processes: kills, a full disk, two drivers, and the commands embed and merge."""

import importlib.util
import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import killed_embeds
import pytest
from typer.main import get_command

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.runs import devices
from vp_tui.core.shards import manifest
from vp_tui.tui import cli
from vp_tui.tui.commands.embedding import FolderOptions, run_embed

PLAIN = FolderOptions(resume=False, shard="1/1", format="parquet", store="fp32", per_file=65536)
SCALE = Path(__file__).parents[1] / "docs" / "scale"


@pytest.fixture(scope="module")
def plain(made_checkpoint, tmp_path_factory):
    """What an uninterrupted job leaves."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert killed_embeds.ended(killed_embeds.start(made_checkpoint(), PROTEINS, folder)) == (
        0, f"{folder}: 40 embeddings in 40 files, shard 1/1\n",
    )  # fmt: skip
    return killed_embeds.files_of(folder)


def wait_for(condition, process):
    """Until it holds, or the process has ended."""
    while process.poll() is None and not condition():
        time.sleep(0.002)


def test_a_job_killed_again_and_again_leaves_what_an_uninterrupted_one_leaves(home, made_checkpoint, plain, tmp_path):
    out = tmp_path / "out"
    for files in (1, 29):
        process = killed_embeds.start(made_checkpoint(), PROTEINS, out)
        wait_for(lambda files=files: len(list(manifest.progress(out))) >= files, process)
        killed_embeds.kill(process)
        assert len(list(manifest.progress(out))) >= files or manifest.read(out).is_complete
    code, told = killed_embeds.ended(killed_embeds.start(made_checkpoint(), PROTEINS, out))
    assert code == 0, told
    assert killed_embeds.files_of(out) == plain


@pytest.mark.parametrize("kind", ["parquet", "hdf5"])
def test_a_disk_that_fills_within_a_file_ends_the_job_with_a_sentence_and_costs_that_file(
    home, made_checkpoint, tmp_path, kind
):
    """A limit on the size of files does what a full disk does; 20 sequences fit in it and 40 do not."""
    out, per_file = tmp_path / "out", 20
    options = {"per_file": per_file, "format": kind}

    def small():
        # without a handler the signal would end the process
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    code, told = killed_embeds.ended(killed_embeds.start(made_checkpoint(), PROTEINS, out, prepare=small, **options))
    assert code == 7, told
    assert "error: cannot write" in told
    assert "--resume" in told
    assert set(killed_embeds.files_of(out)) == {manifest.NAME}
    code, told = killed_embeds.ended(killed_embeds.start(made_checkpoint(), PROTEINS, out, **options))
    assert code == 0, told
    assert len(manifest.read(out).files) == 2


def test_a_second_job_in_the_same_folder_is_refused_and_the_first_one_ends_well(home, made_checkpoint, plain, tmp_path):
    out = tmp_path / "out"
    first = killed_embeds.start(made_checkpoint(), PROTEINS, out)
    wait_for((out / manifest.NAME).exists, first)
    first.send_signal(signal.SIGSTOP)
    try:
        code, told = killed_embeds.ended(killed_embeds.start(made_checkpoint(), PROTEINS, out))
    finally:
        first.send_signal(signal.SIGCONT)
    assert code == 2, told
    assert "another process writes into" in told
    assert killed_embeds.ended(first)[0] == 0
    assert killed_embeds.files_of(out) == plain


SBATCH = """#!/usr/bin/env bash
# what SLURM does with submit.sh: a copy of the script runs once per task, with the variables of an array
set -eu
array=0-0
while [[ $1 == --* ]]; do
    if [[ $1 == --array=* ]]; then array=${1#--array=}; fi
    echo "$1" >> "$SBATCH_LOG"
    shift
done
script=$1
shift
cp "$script" "$SBATCH_LOG.copy"
for task in $(seq "${array%-*}" "${array#*-}"); do
    SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$((${array#*-} - ${array%-*} + 1)) \\
        SLURM_ARRAY_TASK_MIN=${array%-*} bash "$SBATCH_LOG.copy" "$@" >> "$SBATCH_LOG.out" 2>&1
done
echo "41;cluster"
"""


@pytest.fixture
def shell(home, tmp_path):
    """shell(*words) -> the finished process, with sbatch and vp-tui on its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sbatch").write_text(SBATCH)
    (folder / "vp-tui").write_text(f'#!/bin/sh\nexec {sys.executable} -m vp_tui.tui.cli "$@"\n')
    for one in folder.iterdir():
        one.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SBATCH_LOG": str(tmp_path / "log")}
    plain = {"env": environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 170}
    return lambda *words: subprocess.run([*map(str, words)], check=False, **plain)


def test_the_script_for_slurm_embeds_in_an_array_and_merges_what_judge_reads(shell, vp_tui, made_checkpoint, tmp_path):
    out = tmp_path / "out"
    options = ("--per-file", "11", "--token-budget", "2048", "--precision", "fp32")
    done = shell(SCALE / "submit.sh", made_checkpoint(), PROTEINS, out, "2", *options)
    told = (tmp_path / "log.out").read_text() if (tmp_path / "log.out").exists() else ""
    assert done.returncode == 0, done.stderr + told
    assert (tmp_path / "log").read_text().split() == [
        "--parsable",
        "--array=1-2",
        "--parsable",
        "--dependency=afterok:41",
    ]
    assert "40 embeddings in 4 files of 2 shards" in told
    vp_tui("embed", "-m", made_checkpoint(), "-i", PROTEINS, "-o", tmp_path / "file.npz")
    # rounding alone: the files are packed otherwise
    done = vp_tui("judge", tmp_path / "file.npz", out, check=None)
    assert done.returncode == 0, done.stdout


def test_the_script_for_slurm_says_how_it_is_called(shell):
    done = shell(SCALE / "submit.sh", "model", "input")
    assert (done.returncode, "MODEL INPUT OUT JOBS" in done.stderr) == (2, True)


@pytest.mark.parametrize("path", sorted(SCALE.iterdir()), ids=lambda path: path.name)
def test_the_files_for_clusters_name_options_that_exist(path):
    """SLURM's scripts also run above; Nextflow and container builds have no place here."""
    commands = get_command(cli.app).commands
    found = re.findall(r"^(?:exec )?\s*(?:exec )?vp-tui (\w+)(.*)$", path.read_text(), flags=re.MULTILINE)
    for name, words in found:
        known = {flag for option in commands[name].params for flag in option.opts}
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", words)) <= known, words
    assert bool(found) == (path.suffix in {".sbatch", ".nf"})
    for line in re.findall(r"^COPY (.*) \S+$", path.read_text(), flags=re.MULTILINE):
        assert all((SCALE.parents[1] / name).exists() for name in line.split())


@pytest.mark.parametrize(
    ("output", "changed", "named"),
    [
        ("out.npz", {"resume": True}, "--resume"),
        ("out.npz", {"shard": "1/2"}, "--shard"),
        ("out/", {"shard": "3/2"}, "--shard '3/2'"),
        ("out/", {"shard": "slurm"}, "SLURM_ARRAY_TASK_ID"),
        ("out/", {"format": "csv"}, "--format 'csv'"),
        ("out/", {"store": "fp8"}, "--store 'fp8'"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_written(
    home, tmp_path, monkeypatch, output, changed, named
):
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(tmp_path))
    options = replace(PLAIN, **changed)
    with pytest.raises(UsageError, match=re.escape(named)):
        run_embed(home, {"model": "esm2-8m", "input": str(PROTEINS)}, output, options, {f"--{next(iter(changed))}"})
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("output", ["out.npz", "out/"])
@pytest.mark.parametrize(
    "values", [{"devices": "cpu:2", "device": "cpu"}, {"devices": "0,1", "ray": "auto"}, {"devices": "cpu:0"}]
)
def test_devices_are_refused_as_by_a_run_before_anything_is_written(home, tmp_path, monkeypatch, output, values):
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(tmp_path))
    values = {"model": "esm2-8m", "input": str(PROTEINS)} | values
    with pytest.raises(UsageError) as wanted:
        devices.require(RunConfig(**values))
    with pytest.raises(UsageError) as caught:
        run_embed(home, values, output, PLAIN, set())
    assert str(caught.value) == str(wanted.value)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("values", [{"devices": "cpu:2"}, {"ray": "auto"}])
def test_without_ray_embed_on_several_devices_says_what_to_install(home, monkeypatch, values):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        run_embed(home, {"model": "esm2-8m", "input": str(PROTEINS)} | values, "out.npz", PLAIN, set())
    assert devices.INSTALL in str(caught.value)
