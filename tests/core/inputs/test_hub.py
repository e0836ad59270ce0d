"""Hub ids through huggingface_hub's own client, against a hub on the loopback, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest

from hub_server import serving
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import ModelSource

NAME = "someone/model"
CONFIG = {"config.json": b'{"model_type": "esm"}', "tokenizer.json": b"{}"}
LARGE = bytes(range(256)) * 400
SAFE = {**CONFIG, "model.safetensors": LARGE}
FETCH = """
import json, sys
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import resolve
try:
    source = fetch(resolve(sys.argv[1], trust_remote_code="--trust" in sys.argv))
    files = {path.name: len(path.read_bytes()) for path in source.folder.rglob("*") if path.is_file()}
    loaded = "torch" in sys.modules
    print(json.dumps({"files": files, "revision": source.revision, "name": source.name, "torch": loaded}))
except ModelError as error:
    print(json.dumps({"error": str(error)}))
"""


@pytest.fixture
def hub():
    with serving() as served:
        yield served


@pytest.fixture
def get(hub, tmp_path):
    """get(model, ...) -> what a process of its own fetched through HF_ENDPOINT, or its error."""

    def fetched(model=NAME, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-c", FETCH, model, *arguments],
            env={
                **os.environ,
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path / "hf"),
                "HF_HUB_DISABLE_XET": "1",
                "HF_HUB_OFFLINE": "0",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return fetched


def test_a_checkpoint_comes_whole_with_its_commit_and_the_second_time_from_the_cache(hub, get):
    commit = hub.add(NAME, {**SAFE, "README.md": b"no", "onnx/model.safetensors": b"no"})
    first = get()
    assert first == {
        "files": {name: len(content) for name, content in SAFE.items()},
        "revision": commit,
        "name": NAME,
        "torch": False,
    }
    assert get() == first
    assert hub.downloads("model.safetensors") == [None], "fetched once"


def test_pickled_weights_are_left_when_there_are_safetensors_and_taken_when_there_are_none(hub, get):
    pickled = {"pytorch_model-00001-of-00001.bin": LARGE, "pytorch_model.bin.index.json": b"{}"}
    hub.add(NAME, {**SAFE, **pickled})
    hub.add("someone/old", {**CONFIG, **pickled})
    assert set(get()["files"]) == {*SAFE, "pytorch_model.bin.index.json"}
    assert set(get("someone/old")["files"]) == {*CONFIG, *pickled}


def test_code_of_the_repository_comes_only_when_it_is_trusted(hub, get):
    hub.add(NAME, {**SAFE, "modeling_x.py": b"raise SystemExit"})
    assert "modeling_x.py" not in get()["files"]
    assert "modeling_x.py" in get(NAME, "--trust")["files"]


def test_a_revision_can_be_asked_for(hub, get):
    old = hub.add(NAME, SAFE, branch="v1")
    new = hub.add(NAME, {**SAFE, "model.safetensors": b"new"})
    assert get(f"{NAME}@v1")["revision"] == get(f"{NAME}@{old}")["revision"] == old
    assert get()["revision"] == new
    assert "has no revision 'v9'" in get(f"{NAME}@v9")["error"]


def test_an_unknown_repository_is_an_error_that_names_it(get):
    error = get()["error"]
    assert "no repository someone/model" in error


def test_a_file_that_is_listed_and_missing_is_named(hub, get):
    hub.add(NAME, SAFE)
    hub.gone.add("model.safetensors")
    error = get()["error"]
    assert "someone/model" in error
    assert "model.safetensors" in error


def test_a_connection_that_breaks_in_a_file_goes_on_where_it_broke(hub, get):
    # the client writes pieces of 10 MB; what came of the next one is lost
    size = 30 * 2**20
    hub.add(NAME, {**SAFE, "model.safetensors": bytes(size)})
    hub.breaks["model.safetensors"] = 1
    assert get()["files"]["model.safetensors"] == size
    assert hub.downloads("model.safetensors") == [None, f"bytes={10 * 2**20}-"]


def test_what_a_broken_call_got_whole_is_kept_for_the_next(hub, get):
    shards = {"model-00001-of-00002.safetensors": b"one", "model-00002-of-00002.safetensors": LARGE}
    hub.add(NAME, {**CONFIG, **shards})
    hub.breaks["model-00002-of-00002.safetensors"] = 1
    hub.down_after_break = True
    error = get()["error"]
    assert "503" in error
    hub.down.clear()
    assert set(get()["files"]) == {*CONFIG, *shards}
    assert len(hub.downloads("model-00001-of-00002.safetensors")) == len(hub.downloads("config.json")) == 1


def test_offline_with_a_cache_asks_nobody_and_without_one_says_what_to_do(hub, get):
    hub.add(NAME, SAFE)
    error = get(HF_HUB_OFFLINE="1")["error"]
    assert "HF_HUB_OFFLINE is set" in error
    online = get()
    asked = len(hub.asked)
    assert get(HF_HUB_OFFLINE="1") == online
    assert len(hub.asked) == asked


def test_offline_with_half_a_cache_is_an_error_and_no_half_model(hub, get):
    hub.add(NAME, SAFE)
    hub.breaks["model.safetensors"] = 1
    hub.down_after_break = True
    assert "error" in get()
    assert "HF_HUB_OFFLINE is set" in get(HF_HUB_OFFLINE="1")["error"]


def test_no_network_and_no_cache_says_so(get):
    assert "check the network" in get(HF_ENDPOINT="http://127.0.0.1:9")["error"]


def test_what_is_here_is_not_asked_for(tmp_path):
    source = ModelSource(given="x", folder=tmp_path)
    assert fetch(source) is source


def test_a_run_takes_its_model_from_the_hub_and_keeps_the_commit(
    hub, vp_tui, document, made_checkpoint, tmp_path, proteins
):
    files = {path.name: path.read_bytes() for path in made_checkpoint().iterdir()}
    commit = hub.add(NAME, files)
    fasta = tmp_path / "six.faa"
    fasta.write_text("".join(f">p{i}\n{protein.decode()}\n" for i, protein in enumerate(proteins[:6])))
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    done = vp_tui("run", "-m", NAME, "-i", fasta, "--json", environment={**environment, "HF_HUB_OFFLINE": "0"})
    found = document(done)
    assert (found["model"]["name"], found["model"]["revision"]) == (NAME, commit)
    assert found["measures"]["details"]["weights"] == {
        "file_dtype": "float32",
        "fp16_exact": True,
        "fp16_max_error": 0.0,
        "fp16_overflows": 0,
    }
