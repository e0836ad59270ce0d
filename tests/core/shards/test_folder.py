"""The output folder of a job: whole files only, whatever ends it, one process at a time, and what it was begun with."""

import subprocess
import sys
from pathlib import Path

import pytest
from jobs import KILLED_AT_EVERY_STEP, WINDOWS, content, files_of, fresh, make, written

from vp_tui.core.errors import InputError, ResourceError, UsageError
from vp_tui.core.shards import manifest
from vp_tui.core.shards.folder import opened


def ended_early(path, windows):
    """A job that ended after this many files."""
    with opened(path, fresh(), resume=False, report=pytest.fail) as folder:
        folder.begin({"torch": "2.13", "device_name": "one", "token_budget": 2048})
        for window in range(windows):
            folder.add(written(window), lambda part, window=window: part.write_bytes(content(window)))


def test_a_job_killed_at_every_step_and_continued_leaves_what_an_uninterrupted_one_leaves(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 4 * WINDOWS


def test_what_is_whole_is_not_made_again(tmp_path):
    ended_early(tmp_path / "out", 3)
    with opened(tmp_path / "out", fresh(), resume=True, report=pytest.fail) as folder:
        assert sorted(folder.done) == [0, 1, 2]


@pytest.mark.parametrize("damage", ["cut", "gone", "cut line", "garbage line"])
def test_what_is_not_whole_is_told_and_made_again(tmp_path, damage):
    path, told = tmp_path / "out", []
    ended_early(path, 3)
    part, lines = path / "part-000000002.bin", path / manifest.PROGRESS
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:-1])
    elif damage == "gone":
        part.unlink()
    elif damage == "cut line":
        lines.write_text(lines.read_text()[:-20])
    else:
        lines.write_text("".join(lines.read_text().splitlines(keepends=True)[:2]) + "\0\xff garbage\n")
    with opened(path, fresh(), resume=True, report=told.append) as folder:
        assert sorted(folder.done) == [0, 1]
    assert len(told) == (damage in {"cut", "gone"})
    make(path, resume=True)
    assert files_of(path) == files_of(make(tmp_path / "plain"))


def test_parts_that_a_killed_job_left_are_removed(tmp_path):
    path = tmp_path / "out"
    ended_early(path, 3)
    left = path / ".part-000000003.bin.0123456789abcdef.4711.part"
    left.write_bytes(b"half")
    make(path, resume=True)
    assert not left.exists()


def test_a_folder_that_holds_embeddings_is_not_written_without_resume(tmp_path):
    ended_early(tmp_path / "out", 1)
    before = files_of(tmp_path / "out")
    with pytest.raises(UsageError, match="--resume"):
        make(tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        make(tmp_path, resume=True)
    assert files_of(tmp_path) == {"thesis.tex": b"years of work"}


@pytest.mark.parametrize(
    "changed",
    [{"weights_sha256": "b" * 64}, {"precision": "bf16"}, {"per_file": 3}, {"input_bytes": 101}, {"shard": "1/2"}],
    ids=lambda one: next(iter(one)),
)
def test_a_job_of_another_identity_is_not_continued_and_the_difference_is_named(tmp_path, changed):
    ended_early(tmp_path / "out", 2)
    before = files_of(tmp_path / "out")
    ((name, value),) = changed.items()
    with (
        pytest.raises(InputError, match=f"{name}.* against {str(value)[:8]}"),
        opened(tmp_path / "out", fresh(**changed), resume=True, report=pytest.fail),
    ):
        pass
    assert files_of(tmp_path / "out") == before


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "other", "version": 1}', "\0", "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    make(tmp_path / "out")
    (tmp_path / "out" / manifest.NAME).write_text(text)
    with pytest.raises(InputError, match="manifest"):
        make(tmp_path / "out", resume=True)


def test_a_second_process_is_refused_while_the_first_one_writes(tmp_path):
    """From another process: a lock of this one would not hold it off itself."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import jobs; from pathlib import Path;"
        f"jobs.make(Path({str(tmp_path / 'out')!r}), resume=True)"
    )
    command = [sys.executable, "-c", code]
    with opened(tmp_path / "out", fresh(), resume=False, report=pytest.fail) as folder:
        folder.begin({})
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "another process writes into" in done.stderr
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_a_job_that_goes_on_elsewhere_says_so_in_its_manifest(tmp_path):
    ended_early(tmp_path / "out", 2)
    make(tmp_path / "out", resume=True, environment={"torch": "2.14"})
    found = manifest.read(tmp_path / "out")
    assert [one["torch"] for one in found.environments] == ["2.13", "2.14"]


def test_a_write_that_fails_leaves_nothing_of_its_file(tmp_path):
    def full(part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with opened(tmp_path / "out", fresh(), resume=False, report=pytest.fail) as folder:
        folder.begin({})
        with pytest.raises(ResourceError, match="No space left"):
            folder.add(written(0), full)
        assert set(files_of(tmp_path / "out")) == {manifest.NAME}


def test_a_complete_manifest_has_totals_and_every_file(tmp_path):
    found = manifest.read(make(tmp_path / "out"))
    document = found.document()
    assert document["complete"] is True
    assert document["totals"] == {
        "sequences": 2 * WINDOWS, "letters": 20 * WINDOWS, "tokens": 24 * WINDOWS, "counts": {"truncated": 21},
    }  # fmt: skip
    assert [one["name"] for one in document["files"]] == [f"part-{index:09d}.bin" for index in range(WINDOWS)]
