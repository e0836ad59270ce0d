"""vp-tui merge: the folders of all jobs become that of one job, or what is wrong with them is named."""

import shutil
from dataclasses import replace

import pytest
from jobs import ENVIRONMENT, WINDOWS, content, ended_files, files_of, make, nothing

from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.shards import manifest
from vp_tui.core.shards.merge import merge

N = 3


@pytest.fixture
def parts(tmp_path):
    """The folders of three jobs, in one folder."""
    return [make(tmp_path / "parts" / str(number), number, N) for number in range(1, N + 1)]


def test_the_merged_folder_holds_the_files_of_a_single_job(tmp_path, parts):
    merged = merge(tmp_path / "out", parts[::-1], nothing)
    found = files_of(tmp_path / "out")
    assert {name: data for name, data in found.items() if name != manifest.NAME} == ended_files(WINDOWS)
    assert [one.index for one in merged.files] == list(range(WINDOWS))
    assert manifest.read(tmp_path / "out") == merged
    assert [one["shard"] for one in merged.shards] == ["1/3", "2/3", "3/3"]
    assert (merged.identity["shard"], merged.about["policy"]) == ("1/1", "fp16")


def test_the_folder_of_all_parts_stands_for_them(tmp_path, parts):
    assert merge(tmp_path / "out", [parts[0].parent], nothing) == merge(tmp_path / "out2", parts, nothing)


def test_more_jobs_than_windows_merge_too(tmp_path):
    jobs = [make(tmp_path / str(number), number, 5, windows=2) for number in range(1, 6)]
    assert len(merge(tmp_path / "out", jobs, nothing).files) == 2


def test_shards_of_different_versions_and_devices_are_merged_and_told(tmp_path):
    told = []
    one, two = (
        make(tmp_path / str(number), number, 2, environment=ENVIRONMENT | {"torch": version, "token_budget": number})
        for number, version in ((1, "2.12"), (2, "2.13"))
    )
    merged = merge(tmp_path / "out", [one, two], told.append)
    assert told == ["the shards differ in torch: 2.12, 2.13"]
    assert [one["torch"] for one in merged.environments] == ["2.12", "2.13"]


def test_a_shard_without_sequences_has_no_device_that_could_differ(tmp_path):
    told = []
    used = make(tmp_path / "1", 1, 2, environment=ENVIRONMENT | {"device": "cuda:0"})
    idle = make(tmp_path / "2", 2, 2, environment={**ENVIRONMENT})
    merge(tmp_path / "out", [used, idle], told.append)
    assert told == []


def missing(parts):
    shutil.rmtree(parts.pop(1))
    return "shard 2/3 is missing"


def doubled(parts):
    parts.append(shutil.copytree(parts[0], parts[0].with_name("copy")))
    return "both shard 1/3"


def foreign(parts):
    other = parts[0].with_name("notes")
    other.mkdir()
    parts.append(other)
    return "notes"


def foreign_file(parts):
    (parts[1] / "part-000000099.bin").write_bytes(b"who knows")
    return r"part-000000099\.bin is not in manifest"


def of_another_model(parts):
    make(shutil.rmtree(parts[2]) or parts[2], 3, N, weights_sha256="b" * 64)
    return "weights_sha256 aaaa.* against bbbb"


def of_another_precision(parts):
    make(shutil.rmtree(parts[2]) or parts[2], 3, N, precision="bf16")
    return "precision fp16 against bf16"


def of_another_number(parts):
    make(shutil.rmtree(parts[2]) or parts[2], 3, N + 1)
    return "shard 3/4 .* number of shards changed"


def of_another_input(parts):
    make(shutil.rmtree(parts[2]) or parts[2], 3, N, seed="other")
    return "input_sha256"


def of_a_longer_input(parts):
    make(shutil.rmtree(parts[2]) or parts[2], 3, N, windows=WINDOWS + 1)
    return "input_sequences 14 against 16"


def of_another_tokenizer(parts):
    found = manifest.read(parts[1])
    files = tuple(replace(one, tokenizer="f" * 64) for one in found.files)
    manifest.write(parts[1], replace(found, files=files))
    return "tokenizer ffffffffffff"


def incomplete(parts):
    found = manifest.read(parts[1])
    manifest.write(parts[1], replace(found, read=None, files=()))
    return "shard 2/3.* not complete"


def cut(parts):
    path = parts[1] / "part-000000004.bin"
    path.write_bytes(path.read_bytes()[:-1])
    return r"part-000000004\.bin is corrupt"


def bit(parts):
    path = parts[1] / "part-000000004.bin"
    data = bytearray(content(4))
    data[77] ^= 1
    path.write_bytes(data)
    return r"part-000000004\.bin is corrupt.*checksum"


def gone(parts):
    (parts[1] / "part-000000004.bin").unlink()
    return r"part-000000004\.bin is missing"


def unlisted(parts):
    found = manifest.read(parts[1])
    manifest.write(parts[1], type(found)(
        identity=found.identity, about={}, environments=(), read=found.read, files=found.files[1:],
    ))  # fmt: skip
    return "does not list the files of shard 2/3"


@pytest.mark.parametrize(
    "damage",
    [
        missing, doubled, foreign, foreign_file, of_another_model, of_another_precision, of_another_number,
        of_another_input, of_a_longer_input, of_another_tokenizer, incomplete, cut, bit, gone, unlisted,
    ],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_a_damaged_set_is_refused_by_name_and_nothing_is_left(tmp_path, parts, damage):
    named = damage(parts)
    with pytest.raises(InputError, match=named):
        merge(tmp_path / "out", parts, nothing)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_folder_that_holds_something_is_never_written(tmp_path, parts):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="not an empty folder"):
        merge(tmp_path / "out", parts, nothing)
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years of work"


def test_a_folder_given_twice_is_refused(tmp_path, parts):
    with pytest.raises(InputError, match="given twice"):
        merge(tmp_path / "out", [*parts, parts[0]], nothing)


def test_files_are_copied_where_links_are_refused(tmp_path, parts, monkeypatch):
    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refused)
    merge(tmp_path / "out", parts, nothing)
    (parts[0] / "part-000000000.bin").write_bytes(b"changed later")
    assert (tmp_path / "out" / "part-000000000.bin").read_bytes() == content(0)
