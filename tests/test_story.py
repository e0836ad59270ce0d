"""From three runs to a verdict: a baseline is pinned, the engine and the speed get worse, the data change."""

import json

import pytest

from vp_tui.core.config import RunConfig
from vp_tui.core.runs import launch
from vp_tui.core.store.reader import Reader

REPEATS = 3


@pytest.fixture
def degraded(home, made_checkpoint, poll, short_proteins):
    """degraded(name): a run whose engine leaves out the 0.88 of ESM-2, in small packs; cosine stays above 0.99."""

    def start(name):
        config = RunConfig(
            model=str(made_checkpoint()),
            input=str(short_proteins),
            name=name,
            oracle=0,
            fp32_compare=True,
            fault="missing-scale",
            token_budget=256,
        )
        run_id = launch.create_and_start(home, config)

        def done():
            with Reader(home) as reader:
                return not reader.run(run_id).is_active

        poll(done, what="the end of the degraded run")
        return run_id

    return start


@pytest.mark.timeout(300)  # a dozen real runs, on cores shared with other tests
def test_a_baseline_tells_sound_from_degraded_from_not_comparable(
    vp_tui, made_checkpoint, degraded, short_proteins, tmp_path
):
    run = ("run", "-m", made_checkpoint(), "--no-oracle", "--fp32-compare")
    vp_tui(*run, "-i", short_proteins, "--repeats", REPEATS, "--name", "before", timeout=200)
    pinned = vp_tui("baseline", "set", "before", "--name", "release", "--reason", "the first sound one")
    assert "release" in pinned.stdout

    vp_tui(*run, "-i", short_proteins, "--name", "again")
    # cores shared with other tests may really be slower now (exit 3); accuracy is paired and has to be equal
    sound = json.loads(vp_tui("compare", "baseline:release", "again", "--format", "json", check=None).stdout)
    assert sound["comparable"]["accuracy"]["outcome"] in {"IDENTICAL", "EQUIVALENT", "IMPROVED"}
    assert sound["verdicts"]["accuracy"] not in {"FAIL", "REGRESSED", "NOT_COMPARABLE"}

    degraded("worse")
    worse = vp_tui("compare", "baseline:release", "worse", check=3)
    assert "REGRESSED" in worse.stdout
    assert "accuracy" in worse.stdout

    other = tmp_path / "other.faa"
    other.write_text(short_proteins.read_text().rpartition(">")[0])
    vp_tui(*run, "-i", other, "--name", "elsewhere")
    elsewhere = vp_tui("compare", "baseline:release", "elsewhere", check=5)
    assert "NOT_COMPARABLE" in elsewhere.stdout.replace(" ", "_")
    assert "dataset" in elsewhere.stdout
