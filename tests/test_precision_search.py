"""From a failed run to a plan that passes, with the real command, store and processes."""

import json
import shlex

import pytest
from search_parts import write_fasta

from vp_tui.core.runs.search import records
from vp_tui.core.store.reader import Reader


@pytest.fixture
def proteins(tmp_path):
    return write_fasta(tmp_path / "proteins.fasta", "protein", 60)


@pytest.mark.timeout(300)  # three runs and a search, on cores shared with other tests
def test_a_failed_run_is_searched_and_the_plan_that_is_found_passes(vp_tui, home, made_checkpoint, proteins):
    run = ("run", "-m", made_checkpoint("overflow"), "-i", proteins, "--no-oracle")
    vp_tui(*run, "--precision", "plan:run-1", check=2)
    vp_tui(*run, "--auto-search", "--name", "failed", check=4)
    found = json.loads(vp_tui("search", "failed", "--json").stdout)
    assert (found["status"], set(found["plan"]["kept"])) == (
        "confirmed",
        {"layers.1.fc1", "layers.1.gelu", "layers.1.fc2"},
    )
    # --auto-search had found it before: the command has taken its trials over
    with Reader(home) as reader:
        folder = home.run_folder(reader.run(found["run_id"]).uuid)
    trials = records.read_trials(folder)[1]
    assert len(trials) == found["trials"] + 1

    # a search that is refused prints no result of an earlier one
    assert vp_tui("search", "failed", "--pin", "layers.9.fc1", check=2).stdout == ""

    name = found["plan"]["name"]
    assert name in vp_tui("plan", "list").stdout
    document = json.loads(vp_tui("plan", "show", name, "--json").stdout)
    assert document["origin"]["run_uuid"] == found["run_uuid"]

    advised = vp_tui("search", "failed").stdout.splitlines()[-1].removeprefix("next: vp-tui ")
    passed = json.loads(vp_tui(*shlex.split(advised), "--json").stdout)
    assert (passed["verdict"] in {"PASS", "WARN"}, passed["precision"]) == (True, f"plan:{name}")
    assert passed["arms"]["candidate"]["precision"] == f"plan:{name}"
    listed = vp_tui("runs", f"precision:plan:{name}").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [str(passed["id"])]
    told = json.loads(vp_tui("policy", "-m", made_checkpoint("overflow"), "--json").stdout)
    # a CPU is no evidence for production, and the policy says so of both
    assert told["precision"] == "fp32"
    assert f"plan:{name}" in told["reason"]
    vp_tui("search", passed["id"], check=2)


def test_plans_are_made_of_patterns_stored_exported_and_told_apart_when_edited(vp_tui, made_checkpoint, tmp_path):
    keep = ("--keep", "layers.*.gelu,final_norm", "-m", made_checkpoint())
    vp_tui("plan", "save", "mine", *keep)
    document = json.loads(vp_tui("plan", "show", "mine", "--json").stdout)
    assert document["kept"] == dict.fromkeys(["final_norm", "layers.0.gelu", "layers.1.gelu"], "fp32")
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(document | {"kept": {"final_norm": "bf16"}}))
    vp_tui("plan", "save", "yours", "--file", file)
    assert vp_tui("plan", "list").stdout.count("you") >= 2
    wrong = vp_tui("plan", "save", "other", "--keep", "layers.9.gelu", "-m", made_checkpoint(), check=2)
    assert "layers.0.gelu" in wrong.stderr or "layers.1.gelu" in wrong.stderr
    vp_tui("plan", "show", "nothing", check=2)
