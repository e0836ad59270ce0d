"""Real files of every torch-free format, written as users write them, and what is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.inputs.embeddings import extra
from vp_tui.core.inputs.embeddings.folder import open_table

X_SD = np.random.default_rng(3).normal(size=(5, 4)).astype(np.float32)
IDS = tuple(f"read{index}" for index in range(5))


def npz(path, x_SD=X_SD, ids=IDS, save=np.savez, **more):
    save(path, ids=np.asarray(ids), embeddings=x_SD, **more)


def compressed(path, x_SD=X_SD, ids=IDS):
    npz(path, x_SD, ids, np.savez_compressed)


def safetensors(path, x_SD=X_SD, ids=IDS):
    save_file({"embeddings": x_SD}, path, metadata={"ids": "\n".join(ids)})


def hdf5(path, x_SD=X_SD, ids=IDS):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["embeddings"] = x_SD
        file["sequence_ids"] = [name.encode() for name in ids]


def parquet(path, x_SD=X_SD, ids=IDS):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    files.write_table(pyarrow.table({"protein": list(ids), "vector": [row.tolist() for row in x_SD]}), path)


WRITERS = {
    "stored.npz": npz, "deflated.npz": compressed, "a.safetensors": safetensors, "a.h5": hdf5, "a.parquet": parquet,
}  # fmt: skip


def read(path):
    found = open_table(path)
    return found.ids, np.concatenate([*found.pieces()])


@pytest.mark.parametrize("name", WRITERS)
def test_ids_and_numbers_come_back_as_they_were_written(name, tmp_path):
    WRITERS[name](tmp_path / name)
    ids, x_SD = read(tmp_path / name)
    assert ids == IDS
    assert x_SD.dtype == np.float32
    assert np.array_equal(x_SD, X_SD)


@pytest.mark.parametrize("name", ["stored.npz", "a.safetensors", "a.h5"])
def test_half_precision_is_told_and_widened_exactly(name, tmp_path):
    half_SD = X_SD.astype(np.float16)
    WRITERS[name](tmp_path / name, half_SD)
    found = open_table(tmp_path / name)
    assert found.stored == "float16"
    assert np.array_equal(np.concatenate([*found.pieces()]), half_SD.astype(np.float32))


def test_bfloat16_tensors_are_read(tmp_path):
    path = tmp_path / "b.safetensors"
    header = b'{"embeddings":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"__metadata__":{"ids":"a"}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + np.array([0x3F80, 0xC000], "<u2").tobytes())
    assert read(path)[1].tolist() == [[1.0, -2.0]]


def test_an_array_without_ids_has_none(tmp_path):
    np.save(tmp_path / "x.npy", X_SD)
    assert open_table(tmp_path / "x.npy").ids is None


@pytest.mark.parametrize("name", ["a.h5", "stored.npz"])
def test_shards_follow_each_other_in_natural_order(name, tmp_path):
    parts = {2: (0, 2), 10: (2, 5)}
    for number, (first, last) in parts.items():
        WRITERS[name](tmp_path / f"shard_{number}{Path(name).suffix}", X_SD[first:last], IDS[first:last])
    ids, x_SD = read(tmp_path)
    assert ids == IDS
    assert np.array_equal(x_SD, X_SD)


def test_more_rows_than_a_piece_are_read_in_pieces(tmp_path):
    x_SD = np.arange(3000, dtype=np.float32)[:, None]
    npz(tmp_path / "x.npz", x_SD, [str(row) for row in range(3000)])
    pieces = [*open_table(tmp_path / "x.npz").pieces()]
    assert [len(piece) for piece in pieces] == [1024, 1024, 952]
    assert np.array_equal(np.concatenate(pieces), x_SD)


def objects(path):
    np.savez(path, ids=np.array(list(IDS), dtype=object), embeddings=X_SD)


def whole_numbers(path):
    npz(path, X_SD.astype(np.int64))


def per_residue(path):
    npz(path, X_SD[:, None, :])


def by_column(path):
    npz(path, np.asfortranarray(X_SD))


def too_many_ids(path):
    npz(path, X_SD, (*IDS, "one more"))


def other_names(path):
    np.savez(path, X_SD)


@pytest.mark.parametrize(
    ("write", "told"),
    [(objects, "Python objects"), (whole_numbers, "int64"), (per_residue, "per residue"), (by_column, "by column"),
     (too_many_ids, "6 ids for 5"), (other_names, "arr_0")],
)  # fmt: skip
def test_what_is_not_a_table_of_embeddings_is_refused_with_the_reason(write, told, tmp_path):
    write(tmp_path / "x.npz")
    with pytest.raises(InputError, match=told):
        open_table(tmp_path / "x.npz")


def test_object_arrays_are_refused_before_anything_in_them_runs(tmp_path):
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    np.save(tmp_path / "x.npy", np.array([Touch()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        open_table(tmp_path / "x.npy")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", WRITERS)
def test_a_truncated_file_says_so_or_ends_in_one_sentence(name, tmp_path):
    path = tmp_path / name
    WRITERS[name](path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="truncated"):
        read(path)


def test_a_truncated_array_is_noticed_before_it_is_read(tmp_path):
    np.save(tmp_path / "x.npy", X_SD)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-4])
    with pytest.raises(InputError, match="4 bytes are missing"):
        open_table(tmp_path / "x.npy")


def test_embeddings_of_two_widths_in_one_file_are_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    files.write_table(pyarrow.table({"ids": ["a", "b"], "v": [[1.0, 2.0], [1.0]]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="embedding 2 has 1 numbers, the first has 2"):
        read(tmp_path / "x.parquet")


def test_a_folder_of_two_widths_and_one_of_two_formats_are_refused(tmp_path):
    npz(tmp_path / "a.npz")
    npz(tmp_path / "b.npz", X_SD[:, :3])
    with pytest.raises(InputError, match="of 3 numbers"):
        open_table(tmp_path)
    np.save(tmp_path / "c.npy", X_SD)
    with pytest.raises(InputError, match=r"\.npy, \.npz"):
        open_table(tmp_path)


def test_a_missing_file_and_an_unknown_ending_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        open_table(tmp_path / "x.npz")
    (tmp_path / "x.xlsx").touch()
    with pytest.raises(InputError, match="no known ending"):
        open_table(tmp_path / "x.xlsx")


def test_a_missing_package_is_named_with_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(extra, "import_module", missing)
    (tmp_path / "x.h5").touch()
    with pytest.raises(UsageError, match=r"h5py.*vp-tui\[files\]"):
        open_table(tmp_path / "x.h5")


def test_what_embed_adds_is_read(tmp_path):
    more = {"lengths": np.arange(5), "hashes": np.arange(5), "precision": np.asarray("fp16")}
    npz(tmp_path / "x.npz", **more)
    found = open_table(tmp_path / "x.npz")
    assert found.lengths_S.tolist() == found.hash_S.tolist() == [0, 1, 2, 3, 4]
    assert found.precision == "fp16"


def test_ids_with_control_characters_reach_no_terminal(tmp_path):
    npz(tmp_path / "x.npz", X_SD[:1], ["a\x1b[2J"])
    assert open_table(tmp_path / "x.npz").ids == ("a?[2J",)
