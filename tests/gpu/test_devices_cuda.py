"""Two GPUs leave what one leaves: whole runs, folders of embeddings, a killed device, a killed job."""

import importlib.util
import signal

import killed_embeds
import psutil
import pytest
import torch

from samples import PROTEINS, READS
from vp_tui.core.shards import manifest
from vp_tui.core.store.home import HOME_VARIABLE

ONE, TWO = "cuda:0", "0,1"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.alone,
    pytest.mark.timeout(600),
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices"),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="the extra ray is not installed: pip install vp-tui[ray]"
    ),
]
NUMBERS = ("n", "nan", "inf", "cosine_min", "cosine_mean")


@pytest.fixture(scope="module", autouse=True)
def _equal_devices():
    """Embeddings of two kinds of GPU differ by rounding, which docs/devices.md says."""
    names = {torch.cuda.get_device_name(index) for index in range(min(2, torch.cuda.device_count()))}
    if len(names) > 1:
        pytest.skip(f"needs two CUDA devices of one kind, found {' and '.join(sorted(names))}")


@pytest.fixture
def reads(tmp_path):
    """20,000 reads, so that a job lasts long enough to be killed in its middle."""
    path = tmp_path / "many.fasta"
    real = READS.read_text().split(">")[1:]
    path.write_text("".join(f">{number}_{real[number % len(real)]}" for number in range(20_000)))
    return path


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
def test_a_run_on_two_devices_has_the_numbers_and_the_verdict_of_one(
    vp_tui, document, made_checkpoint, made_dnabert, kind
):
    model, sequences = (made_checkpoint(), PROTEINS) if kind == "esm2" else (made_dnabert, READS)
    one, two = (
        document(
            vp_tui("run", "-m", model, "-i", sequences, *words, "--fp32-compare", "--json", check=None, timeout=300)
        )
        for words in (("--device", ONE), ("--devices", TWO))
    )
    assert two["verdict"] == one["verdict"] is not None
    for scope, numbers in one["strata"].items():
        assert {name: two["strata"][scope][name] for name in NUMBERS} == {name: numbers[name] for name in NUMBERS}
    assert not [alert for alert in two["alerts"] if (alert["kind"], alert["severity"]) == ("device", "warn")]
    rows = two["measures"]["details"]["devices"]["rows"]
    assert [row["state"] for row in rows] == ["works", "works"]
    assert min(row["packs"] for row in rows) > 0


def job(model, sequences, output, **devices):
    options = {"device": "auto", "precision": "fp16", "per_file": 2500, **devices}
    return killed_embeds.start(model, sequences, output, **options)


@pytest.fixture
def wait(poll):
    """wait(process, folder, files): until it has written so many files, or has ended."""

    def until(process, folder, files):
        poll(lambda: _written(folder) >= files or process.poll() is not None, seconds=200)

    return until


@pytest.fixture
def plain(home, made_dnabert, reads, tmp_path):
    """What one device leaves."""
    code, told = killed_embeds.ended(job(made_dnabert, reads, tmp_path / "one", device=ONE))
    assert code == 0, told
    return _embeddings(tmp_path / "one")


def _embeddings(folder):
    return {name: data for name, data in killed_embeds.files_of(folder).items() if name.endswith(".parquet")}


def _written(folder):
    return len(list(manifest.progress(folder)))


def test_a_folder_from_two_devices_is_that_of_one_also_after_kills(made_dnabert, reads, plain, wait, tmp_path):
    out = tmp_path / "two"
    for files in (1, 4):
        process = job(made_dnabert, reads, out, devices=TWO)
        wait(process, out, files)
        killed_embeds.kill(process)
    code, told = killed_embeds.ended(job(made_dnabert, reads, out, devices=TWO))
    assert code == 0, told
    assert _embeddings(out) == plain


def test_a_killed_device_costs_a_folder_nothing_but_time(home, made_dnabert, reads, plain, wait, tmp_path):
    out = tmp_path / "two"
    process = job(made_dnabert, reads, out, devices=TWO)
    wait(process, out, 1)
    actors = [
        one
        for one in psutil.process_iter()
        if "DeviceActor" in one.name() and one.environ()[HOME_VARIABLE] == str(home.root)
    ]
    assert len(actors) == 2
    actors[-1].send_signal(signal.SIGKILL)
    code, told = killed_embeds.ended(process)
    assert code == 0, told
    assert "is lost" in told
    assert _embeddings(out) == plain
