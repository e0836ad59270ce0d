"""Caches are bounded: the files used longest ago go first, and what a run has too is not counted."""

import os

import pytest
import stored_runs

from vp_tui.core.store import upkeep
from vp_tui.core.store.caches import beyond, freed, trim


@pytest.fixture
def filled(home):
    """Four cached files of 1,000 bytes, the first the oldest; the last is a run's file too."""
    folder = home.cache / "references"
    folder.mkdir(parents=True)
    paths = [folder / f"{i}.safetensors" for i in range(4)]
    for age, path in enumerate(reversed(paths)):
        path.write_bytes(bytes(1000))
        os.utime(path, (1e9 - age, 1e9 - age))
    os.link(paths[3], home.root / "of-a-run")
    return paths


@pytest.mark.parametrize(("most", "gone"), [(3000, 0), (2999, 1), (1000, 2), (0, 3)])
def test_the_oldest_files_go_until_the_rest_fits(home, filled, most, gone):
    assert beyond(home, most) == tuple(filled[:gone])
    trim(home, most)
    assert [path.exists() for path in filled] == [i >= gone for i in range(4)]


def test_a_file_with_a_name_elsewhere_frees_nothing_and_one_with_all_its_names_is_counted_once(home, filled):
    assert freed([filled[3]]) == 0
    assert freed([filled[3], home.root / "of-a-run"]) == 1000
    assert freed(filled[:2]) == 2000


def test_what_is_not_made_again_by_itself_stays(home, filled):
    for name in ("demo/checkpoint/model.safetensors", "input/copied.fasta", "references/.x.1.part"):
        path = home.cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(10))
    assert set(beyond(home, 0)) == set(filled[:3])


def test_the_command_shows_what_would_go_and_removes_it_when_told(call, filled):
    assert "3 files of 2.9 KiB" in call("db", "prune", "--cache", "0.5kB")[1]
    assert all(path.exists() for path in filled)
    assert call("db", "prune", "--cache", "0", "--apply")[0] == 0
    assert [path.exists() for path in filled] == [False, False, False, True]
    assert "nothing to delete" in call("db", "prune", "--cache", "10GB")[1]


@pytest.mark.parametrize(
    "arguments", [(), ("--cache", "much"), ("--cache", "-1"), ("--cache", "9" * 40), ("--keep", "9" * 40)]
)
def test_a_size_that_is_none_deletes_nothing(call, filled, arguments):
    assert call("db", "prune", *arguments, "--apply")[0] == 2
    assert all(path.exists() for path in filled)


def test_pruning_a_run_counts_a_reference_that_stays_in_the_cache_as_nothing(home, filled):
    run_id = stored_runs.complete(home)
    folder = home.run_folder(stored_runs.uuid_of(home, run_id))
    os.link(filled[0], folder / "reference.safetensors")
    assert upkeep.prune(home, 0).bytes == 0
    assert upkeep.prune(home, 0, cache=10**9).bytes == 0
