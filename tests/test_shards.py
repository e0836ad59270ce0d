"""Very large sets by real processes: kills, a full disk, two drivers, and the commands embed and merge."""

import os
import re
import resource
import signal
import time

import killed_embeds
import pytest

from samples import PROTEINS
from vp_tui.core.errors import UsageError
from vp_tui.core.shards import manifest
from vp_tui.tui.commands.embedding import FolderOptions, run_embed


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


def test_the_commands_embed_shares_merge_them_and_judge_the_result(vp_tui, made_checkpoint, tmp_path):
    common = ("embed", "-m", made_checkpoint(), "-i", PROTEINS, "--per-file", "11", "--token-budget", "2048")
    task = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "0"}
    vp_tui(*common, "-o", f"{tmp_path}/parts/1/", "--shard", "1/2")
    done = vp_tui("merge", tmp_path / "out", tmp_path / "parts", check=2)
    assert "shard 2/2 is missing" in done.stderr
    vp_tui(*common, "-o", f"{tmp_path}/parts/2/", "--shard", "slurm", environment=task)
    done = vp_tui("merge", tmp_path / "out", tmp_path / "parts")
    assert "40 embeddings in 4 files of 2 shards" in done.stderr
    vp_tui("embed", "-m", made_checkpoint(), "-i", PROTEINS, "-o", tmp_path / "file.npz")
    done = vp_tui("judge", tmp_path / "file.npz", tmp_path / "out", check=None)
    assert "cosine" in done.stdout
    assert done.returncode == 0, done.stdout


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
    plain = {"resume": False, "shard": "1/1", "format": "parquet", "store": "fp32", "per_file": 65536}
    options = FolderOptions(**plain | changed)
    with pytest.raises(UsageError, match=re.escape(named)):
        run_embed(home, {"model": "esm2-8m", "input": str(PROTEINS)}, output, options, {f"--{next(iter(changed))}"})
    assert sorted(os.listdir(tmp_path)) == before
