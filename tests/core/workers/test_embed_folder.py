"""`embed -o FOLDER/` in this process: what is in the files, shares, and going on; kills are in tests/test_shards.py."""

import bz2

import numpy as np
import pytest

from samples import PROTEINS, READS
from vp_tui.core.config import RunConfig
from vp_tui.core.fingerprint import sequence_hash
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.embeddings.folder import open_table
from vp_tui.core.shards import manifest
from vp_tui.core.shards.merge import merge
from vp_tui.core.shards.windows import Windows
from vp_tui.core.workers import embed_folder as folder_worker
from vp_tui.core.workers.__main__ import main
from vp_tui.core.workers.embed import embed
from vp_tui.core.workers.embedder import Embedder

FIXED = ("--device", "cpu", "--attention", "auto", "--token-budget", "2048")
DEFAULTS = {"shard": "1/1", "format": "parquet", "store": "fp32", "per_file": 7, "precision": "fp32"}


@pytest.fixture
def embed_folder(made_checkpoint, home):
    """embed_folder(output, input=PROTEINS, check=0, **options) -> the output, once the worker has ended as expected."""
    assert home

    def call(output, input=PROTEINS, check=0, resume=False, model=None, **options):
        words = [word for name, value in (DEFAULTS | options).items() for word in (_option(name), str(value))]
        model = str(model or made_checkpoint())
        done = main(
            ["embed-folder", "--model", model, "--input", str(input), "--output", str(output), *FIXED, *words]
            + ["--resume"] * resume
        )
        assert done == check
        return output

    return call


def _option(name):
    return f"--{name.replace('_', '-')}"


def rows_of(folder):
    table = open_table(folder)
    return table.ids, np.concatenate(list(table.pieces()))


def files_of(folder):
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.suffix in {".parquet", ".h5"}}


@pytest.mark.parametrize("kind", ["parquet", "hdf5"])
@pytest.mark.parametrize("store", ["fp32", "fp16"])
def test_one_window_has_the_embeddings_of_a_file_to_the_last_bit(embed_folder, made_checkpoint, tmp_path, kind, store):
    config = RunConfig(
        model=str(made_checkpoint()), input=str(PROTEINS), device="cpu", precision="fp32", token_budget=2048
    )
    whole = embed(config, pytest.fail)
    ids, embeddings_SD = rows_of(embed_folder(tmp_path / "out", per_file=100, format=kind, store=store))
    assert ids == whole.ids
    stored = {"fp32": np.float32, "fp16": np.float16}[store]
    assert np.array_equal(embeddings_SD, whole.embeddings_SD.astype(stored).astype(np.float32))


def test_smaller_windows_keep_the_order_and_move_an_embedding_by_rounding_only(embed_folder, tmp_path):
    ids, whole_SD = rows_of(embed_folder(tmp_path / "one", per_file=100))
    other_ids, parts_SD = rows_of(embed_folder(tmp_path / "many"))
    assert other_ids == ids
    assert len(files_of(tmp_path / "many")) == 6
    np.testing.assert_allclose(parts_SD, whole_SD, rtol=0, atol=1e-5)


def test_a_parquet_file_has_id_length_hash_and_a_list_of_fixed_size(embed_folder, made_checkpoint, tmp_path):
    from pyarrow import parquet

    embed_folder(tmp_path / "out", per_file=100, store="fp16")
    table = parquet.read_table(tmp_path / "out" / "part-000000000.parquet")
    config = RunConfig(
        model=str(made_checkpoint()), input=str(PROTEINS), device="cpu", precision="fp32", token_budget=2048
    )
    whole = embed(config, pytest.fail)
    width = whole.embeddings_SD.shape[1]
    assert [(one.name, str(one.type)) for one in table.schema] == [
        ("id", "string"), ("length", "int64"), ("hash", "int64"),
        ("embedding", f"fixed_size_list<element: halffloat>[{width}]"),
    ]  # fmt: skip
    assert table["length"].to_pylist() == whole.sequences.lengths_S.tolist()
    assert table["hash"].to_pylist() == whole.sequences.hash_S.tolist()


def test_judge_reads_lengths_hashes_precision_and_alphabet_of_a_folder(embed_folder, tmp_path):
    table = open_table(embed_folder(tmp_path / "out"))
    whole = sequences.read(PROTEINS)
    assert table.lengths_S.tolist() == whole.lengths_S.tolist()
    assert table.hash_S.tolist() == [sequence_hash(letters) for letters in whole.residues]
    assert (table.precision, table.alphabet) == ("fp32", "protein")


def test_three_shares_merge_into_the_files_of_a_single_job(embed_folder, tmp_path):
    plain = embed_folder(tmp_path / "plain")
    parts = [embed_folder(tmp_path / f"part{number}", shard=f"{number}/3") for number in (1, 2, 3)]
    merge(tmp_path / "out", parts, pytest.fail)
    assert files_of(tmp_path / "out") == files_of(plain)
    one, other = manifest.read(plain), manifest.read(tmp_path / "out")
    assert (one.files, one.read, one.identity) == (other.files, other.read, other.identity)


def test_an_interrupted_job_goes_on_in_the_middle(embed_folder, tmp_path, monkeypatch):
    plain = embed_folder(tmp_path / "plain")
    out, real, windows = tmp_path / "out", Embedder.start, []

    def stopped(self, tokens, stratum_S):
        windows.append(len(tokens.lengths_S))
        if len(windows) == 4:
            raise KeyboardInterrupt
        return real(self, tokens, stratum_S)

    monkeypatch.setattr(Embedder, "start", stopped)
    embed_folder(out, check=130)
    assert len(files_of(out)) == 3
    embed_folder(out, resume=True)
    assert windows == [7] * 6 + [5]
    assert files_of(out) == files_of(plain)
    assert (out / manifest.NAME).read_bytes() == (plain / manifest.NAME).read_bytes()


def test_a_complete_folder_is_not_encoded_again(embed_folder, tmp_path, monkeypatch):
    out = embed_folder(tmp_path / "out")
    before = {one: one.stat().st_mtime_ns for one in out.iterdir() if one.suffix == ".parquet"}
    monkeypatch.setattr(folder_worker, "loaded", pytest.fail)
    embed_folder(out, resume=True)
    assert {one: one.stat().st_mtime_ns for one in before} == before


@pytest.mark.parametrize("changed", ["weights", "precision", "per_file", "shard", "store", "format"])
def test_another_command_does_not_go_on_with_a_folder(embed_folder, made_checkpoint, tmp_path, capsys, changed):
    out = embed_folder(tmp_path / "out")
    other = {
        "weights": {"model": made_checkpoint("overflow")}, "precision": {"precision": "bf16"},
        "per_file": {"per_file": 8}, "shard": {"shard": "1/2"}, "store": {"store": "fp16"},
        "format": {"format": "hdf5"},
    }  # fmt: skip
    embed_folder(out, resume=True, check=2, **other[changed])
    assert {"store": "stored", "weights": "weights_sha256"}.get(changed, changed) in capsys.readouterr().err


def test_an_input_that_changed_is_refused_also_when_its_size_is_the_same(embed_folder, tmp_path, capsys):
    changed = tmp_path / "input.faa"
    changed.write_bytes(PROTEINS.read_bytes())
    out = embed_folder(tmp_path / "out", changed)
    kept = (out / manifest.NAME).read_bytes()
    data = bytearray(PROTEINS.read_bytes())
    place = data.rindex(b"\n", 0, len(data) - 1) + 1
    data[place] = ord("A") if data[place] != ord("A") else ord("C")
    changed.write_bytes(data)
    embed_folder(out, changed, resume=True, check=2)
    assert "has changed" in capsys.readouterr().err
    changed.write_bytes(data + b"AC\n")
    embed_folder(out, changed, resume=True, check=2)
    assert "input_bytes" in capsys.readouterr().err
    assert (out / manifest.NAME).read_bytes() == kept


def test_compressed_inputs_are_read(embed_folder, tmp_path):
    packed = tmp_path / "input.faa.bz2"
    packed.write_bytes(bz2.compress(PROTEINS.read_bytes()))
    assert files_of(embed_folder(tmp_path / "out", packed)) == files_of(embed_folder(tmp_path / "plain"))


def test_a_window_of_the_other_alphabet_is_refused_with_its_place(embed_folder, tmp_path, capsys):
    mixed = tmp_path / "mixed.fasta"
    mixed.write_bytes(PROTEINS.read_bytes() + READS.read_bytes())
    embed_folder(tmp_path / "out", mixed, check=2, per_file=20)
    told = capsys.readouterr().err
    assert "sequences 41 to 60" in told
    assert "DNA or RNA" in told
    assert len(files_of(tmp_path / "out")) == 2


def test_dna_is_embedded_too(embed_folder, made_dnabert, tmp_path):
    ids, embeddings_SD = rows_of(embed_folder(tmp_path / "out", READS, model=made_dnabert, per_file=25))
    assert (len(ids), len(files_of(tmp_path / "out"))) == (60, 3)
    assert np.isfinite(embeddings_SD).all()


def test_what_reading_changed_is_counted_over_all_windows(embed_folder, tmp_path):
    made = tmp_path / "input.faa"
    made.write_text(">a\nMKTAYIAKQR*\n>a\nmktayiakqrq\n>c\nMKTAYI AKQ1\n>d\n\n")
    found = manifest.read(embed_folder(tmp_path / "out", made, per_file=2))
    counts = found.document()["totals"]["counts"]
    assert counts == {
        "duplicate_ids_renamed": 1, "end_in_stop": 1, "lower_case_letters": 11, "unknown_letters": 2,
    }  # fmt: skip
    assert (found.read.cleaned["blanks"], found.read.cleaned["empty"]) == (1, 1)


def test_more_shares_than_windows_leave_an_empty_but_complete_folder(embed_folder, tmp_path):
    found = manifest.read(embed_folder(tmp_path / "out", shard="9/9"))
    assert (found.is_complete, found.files, found.read.windows) == (True, (), 6)


def test_the_policy_of_the_moment_is_kept(embed_folder, tmp_path, home):
    assert home.database.exists()
    found = manifest.read(embed_folder(tmp_path / "out", precision="bf16"))
    assert (found.about["policy"]["requested"], found.about["policy"]["precision"]) == ("bf16", "fp32")
    assert "no completed run" in found.about["policy"]["reason"]


def test_what_is_held_does_not_follow_the_number_of_sequences(embed_folder, tmp_path, monkeypatch):
    """One window at most is being written while the next one is encoded, and one more was read meanwhile."""
    read, seen, folder = [], [], tmp_path / "out"
    real_window, real_blocks = Windows._window, Embedder.start

    def counted(self, ids, residues):
        read.append(len(ids))
        return real_window(self, ids, residues)

    def watched(self, tokens, stratum_S):
        seen.append((len(list(manifest.progress(folder))), len(read)))
        return real_blocks(self, tokens, stratum_S)

    monkeypatch.setattr(Windows, "_window", counted)
    monkeypatch.setattr(Embedder, "start", watched)
    embed_folder(folder, per_file=2)
    assert len(seen) == 20
    assert all(place - 1 <= written <= place for place, (written, _) in enumerate(seen))
    assert all(windows <= place + 2 for place, (_, windows) in enumerate(seen))
