"""Which windows a job has, written as I/N or taken from an array of SLURM."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.errors import UsageError
from vp_tui.core.shards.share import Share, parse


@given(count=st.integers(1, 50), windows=st.integers(0, 300))
def test_every_window_has_exactly_one_job(count, windows):
    shares = [Share(number, count) for number in range(1, count + 1)]
    for window in range(windows):
        assert sum(share.has(window) for share in shares) == 1


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "1/0", "1", "1/2/3", "-1/3", "1/3x", "a/b", "\N{SUPERSCRIPT TWO}/3"]
)
def test_a_share_that_is_none_is_refused_by_its_text(text):
    with pytest.raises(UsageError, match="--shard"):
        parse(text, {})


def slurm(number, count, first, step=None):
    found = {"ID": number, "COUNT": count, "MIN": first} | ({} if step is None else {"STEP": step})
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        (slurm(0, 4, 0), Share(1, 4)),
        (slurm(3, 4, 0), Share(4, 4)),
        (slurm(1, 8, 1), Share(1, 8)),
        (slurm(8, 8, 1, 1), Share(8, 8)),
        (slurm(14, 4, 10, 2), Share(3, 4)),
    ],
)
def test_an_array_task_has_the_place_of_its_number_in_the_array(environment, share):
    assert parse("slurm", environment) == share


@pytest.mark.parametrize(
    "environment",
    [{}, slurm(7, 3, 1), slurm(15, 4, 10, 2), slurm("x", 3, 1), slurm(1, "", 1)],
    ids=["none", "gaps", "between steps", "no number", "no count"],
)
def test_a_task_without_a_place_is_refused(environment):
    with pytest.raises(UsageError, match=r"SLURM_ARRAY_TASK|no place"):
        parse("slurm", environment)


def test_variables_of_slurm_are_not_read_unless_asked_for():
    assert parse("2/3", slurm(0, 4, 0)) == Share(2, 3)
