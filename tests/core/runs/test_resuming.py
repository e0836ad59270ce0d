"""Which run `run --resume` goes on with, and what it moves; the digits are compared in test_validation.py."""

import numpy as np
import pytest

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.files import DAMAGED
from vp_tui.core.runs import launch, resuming
from vp_tui.core.store import kept_blocks, lifecycle
from vp_tui.core.store.kept_blocks import KeptBlock, KeptStretch
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.transitions import move

FASTA = ">a\nMKTAYIAKQR\n"


@pytest.fixture
def config(tmp_path):
    (tmp_path / "one.faa").write_text(FASTA)
    return RunConfig(model="esm2-8m", input=str(tmp_path / "one.faa"))


@pytest.fixture
def ended(home, config):
    """ended(status, **settings) -> id of a run that ended so, with one finished block in its folder."""

    def make(status, **more):
        run_id = lifecycle.create_run(home, config.model_copy(update=more))
        if status != "queued":
            with lifecycle.writing(home, "end a run of") as connection:
                move(connection, run_id, status, allowed=("queued",), actor="run", reason="signal 15")
        kept_blocks.write(home.run_folder(lifecycle.run_config(home, run_id)[0]), {"budget": 7}, [stretch()])
        return run_id

    return make


def stretch(index=3):
    rows_S = np.array([4, 2])
    values_SD = np.array([[0.1, np.nan], [3.0, -0.0]], np.float32)
    zeros_S = np.zeros(2, np.int64)
    block = KeptBlock(
        index=index, rows_S=rows_S, pack_of_S=zeros_S, embeddings_SD=values_SD, nan_S=zeros_S, inf_S=zeros_S,
        encode_s=0.1, wall_s=1 / 3,
    )  # fmt: skip
    return KeptStretch(arm="candidate", blocks=(block,))


def test_kept_blocks_come_back_to_the_last_bit(tmp_path):
    kept_blocks.write(tmp_path, {"key": "a"}, [stretch(3), stretch(5)])
    kept_blocks.write(tmp_path, {"key": "b"}, [stretch(6)])
    first, second = kept_blocks.files(tmp_path)
    assert [kept_blocks.facts_of(path)["key"] for path in (first, second)] == ["a", "b"]
    (three, five), (six,) = kept_blocks.read(first), kept_blocks.read(second)
    assert [one.blocks[0].index for one in (three, five, six)] == [3, 5, 6]
    assert five.blocks[0].embeddings_SD.tobytes() == stretch().blocks[0].embeddings_SD.tobytes()
    assert (five.arm, five.blocks[0].wall_s, list(five.blocks[0].rows_S)) == ("candidate", 1 / 3, [4, 2])


@pytest.mark.parametrize("damage", [b"", b"PK no zip", None], ids=["empty", "garbage", "one bit"])
def test_a_damaged_file_of_blocks_is_not_read(tmp_path, damage):
    kept_blocks.write(tmp_path, {"key": "a"}, [stretch()])
    (path,) = kept_blocks.files(tmp_path)
    whole = path.read_bytes()
    at = whole.index(stretch().blocks[0].embeddings_SD.tobytes())
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] if damage is None else damage)
    with pytest.raises(DAMAGED):
        kept_blocks.read(path)


def test_the_newest_run_of_the_same_settings_goes_on(home, config, ended):
    ended("interrupted")
    newest = ended("interrupted")
    ended("interrupted", seed=1)
    assert resuming.to_resume(home, config, is_required=False).id == newest
    assert resuming.settings_of(home, str(newest)) == config
    assert resuming.to_resume(home, config.model_copy(update={"seed": 2}), is_required=False) is None


def test_a_completed_run_is_none_to_resume_and_an_active_one_an_error(home, config, ended):
    done = ended("completed")
    assert resuming.to_resume(home, config, is_required=False) is None
    with pytest.raises(UsageError, match=f"rerun {done}"):
        resuming.to_resume(home, config, is_required=True)
    going = ended("queued")
    with pytest.raises(UsageError, match=f"watch {going}"):
        resuming.to_resume(home, config, is_required=False)


def test_the_new_run_has_the_settings_and_the_finished_blocks(home, config, ended, monkeypatch):
    monkeypatch.setattr(launch, "_start", lambda *_: None)
    before = ended("cancelled")
    after = launch.create_and_start(home, config, resumed=lifecycle.run_config(home, before)[0])
    folders = [home.run_folder(lifecycle.run_config(home, run_id)[0]) for run_id in (before, after)]
    assert [len(kept_blocks.files(folder)) for folder in folders] == [0, 1]
    with Reader(home) as reader:
        assert reader.run(after).status == "queued"
    assert launch.as_requested(lifecycle.run_config(home, after)[1]) == config


@pytest.mark.parametrize(
    "arguments",
    [["--resume", "1", "-m", "x"], ["--resume", "auto", "-m", "x"], ["--resume", "1", "--repeats", "2"], ["-m", "x"]],
)
def test_options_that_contradict_resume_are_refused(call, arguments):
    assert call("run", *arguments)[0] == 2
