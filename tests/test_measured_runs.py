"""Limits from a file, and stored runs measured again: the real command on real runs."""

import shutil
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from command_line import command_on, document_of

from samples import PROTEINS
from vp_tui.core.store.home import Home

# one worker for all: they share the run
pytestmark = pytest.mark.xdist_group("measured")
LOST_WITH_THE_MODEL = {"T1", "V2", "V3", "V4", "R1", "R2", "R3", "R4", "R5", "R6", "R7"}


@dataclass(frozen=True)
class Stored:
    """A finished run on 40 proteins in a home of its own, which no test changes."""

    home: Home
    found: dict[str, Any]
    """Its document."""

    def call(self, *arguments, **options):
        return called(self.home)(*arguments, **options)


def called(home):
    """The command on this home, in the environment that a test has."""
    return partial(
        command_on(home), environment={"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "VIRNUCPRO_DISABLE_FP16": ""}
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory, made_checkpoint):
    home = Home(tmp_path_factory.mktemp("measured") / "home")
    run = ("run", "-m", made_checkpoint(), "-i", PROTEINS, "--oracle", 12, "--name", "first", "--json")
    return Stored(home, document_of(called(home)(*run)))


@pytest.fixture
def strict_limits(tmp_path):
    """A file of limits that FP16 cannot keep."""
    path = tmp_path / "limits.toml"
    path.write_text("[S8]\nfail = 1e-5\nwarn = 1e-6\n")
    return path


def test_measuring_again_gives_the_stored_numbers_and_leaves_the_run_alone(stored, document):
    again = document(stored.call("show", "first", "--recompute", "--json"))
    for measure in ("M1", "M2", "M3", "M4", "M5", "M6", "S1", "S2", "S5", "S6", "C1"):
        assert again["measures"][measure] == stored.found["measures"][measure]
    kept = {measure: stored.found["measures"][measure] for measure in LOST_WITH_THE_MODEL}
    assert {measure: again["measures"][measure] for measure in LOST_WITH_THE_MODEL} == kept
    assert again["findings"] == stored.found["findings"]
    assert document(stored.call("show", "first", "--json")) == stored.found


def test_a_stored_run_is_judged_again_by_other_limits(stored, strict_limits, document):
    assert stored.found["verdict"] == "PASS"
    again = document(stored.call("show", "first", "--recompute", "--thresholds", strict_limits, "--json"))
    assert again["verdict"] == "FAIL"
    assert {finding["gate"] for finding in again["findings"] if finding["severity"] != "info"} == {"S8"}
    assert again["config"]["thresholds"]["S8.fail"] == 1e-5
    assert document(stored.call("show", "first", "--json"))["verdict"] == "PASS"


def test_the_limits_of_a_file_are_recorded_and_decide(vp_tui, made_checkpoint, strict_limits, document):
    run = ("run", "-m", made_checkpoint(), "-i", PROTEINS, "--no-oracle", "--thresholds", strict_limits, "--json")
    found = document(vp_tui(*run, "--gates", "strict", check=4))
    assert found["verdict"] == "FAIL"
    assert found["config"]["thresholds"]["S8.fail"] == 1e-5
    assert set(found["measures"]["details"]["not_measured"]) == LOST_WITH_THE_MODEL


def test_what_cannot_be_measured_again_is_refused_with_the_reason(stored, strict_limits, tmp_path):
    home = Home(tmp_path / "copy")
    shutil.copytree(stored.home.root, home.root)
    call = called(home)
    assert "--recompute" in call("show", "first", "--thresholds", strict_limits, check=2).stderr
    folder = home.run_folder(stored.found["uuid"])
    (folder / "candidate.safetensors").write_bytes(b"no embeddings")
    assert "candidate.safetensors cannot be read" in call("show", "first", "--recompute", check=2).stderr
    shutil.rmtree(folder)
    assert "cannot be read" in call("show", "first", "--recompute", check=2).stderr


def test_a_limit_that_does_not_exist_is_refused_with_the_nearest_name(vp_tui, made_checkpoint, tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text("M1.fial = 0.999\n")
    done = vp_tui("run", "-m", made_checkpoint(), "-i", PROTEINS, "--thresholds", path, check=2)
    assert "M1.fail" in done.stderr


def test_copies_of_one_sequence_do_not_judge_a_format(vp_tui, document, made_checkpoint, tmp_path):
    """How much one sequence amplifies rounding varies by half; the limit of R4 needs several of them."""
    one = PROTEINS.read_text().split(">")[1].partition("\n")[2]
    path = tmp_path / "copies.fasta"
    path.write_text("".join(f">copy{number}\n{one}" for number in range(30)))
    found = document(vp_tui("run", "-m", made_checkpoint(), "-i", path, "--json"))
    assert found["measures"]["R4"]["all"]["rounding_ratio"] is None
    assert found["measures"]["R5"]["all"]["pooled_ratio"] is None
    assert found["verdict"] == "PASS"
