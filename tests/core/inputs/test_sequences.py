import bz2
import gzip
import importlib
import lzma
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.records import Cleaned
from vp_tui.core.inputs.sequences import SequenceSet, content_hash, require_protein, strata_of, stratified_sample

ZSTANDARD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
FASTA = b">a first\nMKV\nLL\n>b\nMM\n"


@pytest.fixture
def read(tmp_path):
    """read(bytes, name) -> SequenceSet of a file with that content."""

    def from_bytes(content, name="input.faa"):
        path = tmp_path / name
        path.write_bytes(content)
        return sequences.read(path)

    return from_bytes


def made(*residues):
    return SequenceSet(ids=tuple(map(str, range(len(residues)))), residues=residues)


def test_fasta_is_read_in_order_and_lines_are_joined(read):
    found = read(FASTA)
    assert (found.ids, found.residues) == (("a", "b"), (b"MKVLL", b"MM"))
    assert found.lengths_S.tolist() == [5, 2]


def test_windows_line_ends_and_blank_lines_change_nothing(read):
    assert read(FASTA.replace(b"\n", b"\r\n") + b"\r\n") == read(FASTA)


def test_fastq_is_read_and_its_qualities_are_dropped(read):
    found = read(b"@r1 x\nACGT\n+\nIIII\n", "reads.fq")
    assert (found.ids, found.residues) == (("r1",), (b"ACGT",))


@pytest.mark.parametrize("name", ["input.faa.gz", "input.faa", "input"])
def test_gzip_is_known_by_its_content(read, name):
    assert read(gzip.compress(FASTA), name) == read(FASTA)


def test_a_plain_file_named_gz_is_read_as_what_it_is(read):
    assert read(FASTA, "input.faa.gz") == read(FASTA)


def test_several_gzip_members_are_one_file(read):
    assert read(gzip.compress(b">a\nMKVLL\n") + gzip.compress(b">b\nMM\n")) == read(FASTA)


GZIPPED = gzip.compress(b">a\n" + np.random.default_rng(0).choice(list(b"ACDEFGHIKLM"), 50_000).astype("u1").tobytes())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(GZIPPED[: len(GZIPPED) // 2], "x.faa.gz", id="truncated gzip"),
        pytest.param(GZIPPED[:-4], "x.faa.gz", id="gzip without its trailer"),
        pytest.param(GZIPPED[:9000] + b"\xff" * 400 + GZIPPED[9400:], "x.faa.gz", id="garbage inside gzip"),
        pytest.param(GZIPPED[:-8] + b"\0" * 8, "x.faa.gz", id="wrong gzip checksum"),
        pytest.param(b"\x1f\x8b", "x.faa.gz", id="gzip magic alone"),
        pytest.param(bytes(range(256)) * 50, "x.faa", id="binary rubbish"),
        pytest.param(bytes(range(256)) * 50, "x.fa", id="binary rubbish named fa"),
        pytest.param(b">a\n" + bytes(range(256)), "x.faa", id="binary rubbish behind a header"),
        pytest.param(b"{'json': 1}\n", "x.txt", id="text that is no fasta"),
        pytest.param(b"@r\nACGT\n+\nII", "x.fq", id="truncated fastq"),
        pytest.param(b"\x28\xb5\x2f\xfd" + b"abc" * 9, "x.fa.zst", id="broken zstandard"),
    ],
)
def test_what_cannot_be_read_as_fasta_is_an_input_error_with_the_path(read, content, name):
    with pytest.raises(InputError, match=rf"{name}.* cannot be read as FASTA or FASTQ|cannot read .*{name}"):
        read(content, name)


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b""), b"# only a comment\n"], ids=["empty", "empty gzip", "comment"]
)
def test_a_file_without_a_record_is_an_input_error(read, content):
    with pytest.raises(InputError, match="no sequences"):
        read(content, "x.fa")


def test_a_missing_file_a_folder_a_device_and_an_impossible_name_are_input_errors(tmp_path):
    for path, words in [
        (tmp_path / "missing.faa", "does not exist"),
        (tmp_path, "is not a file"),
        ("/dev/null", "is not a file"),
        (tmp_path / ("x" * 300), "cannot read .*too long"),
    ]:
        with pytest.raises(InputError, match=words):
            sequences.read(path)


@pytest.mark.parametrize("content", [b">a\nMM\n>b\n>c\nMK\n", b">b\n>a\nMM\n>c\nMK", b">a\nMM\n>b\n \t\n>c\nMK\n"])
def test_records_without_sequence_are_left_out_and_counted(read, content):
    found = read(content)
    assert (found.ids, found.residues) == (("a", "c"), (b"MM", b"MK"))
    assert (found.cleaned.empty, found.cleaned.first_empty) == (1, "b")


def test_empty_reads_of_a_trimmed_fastq_are_left_out_and_counted(read):
    found = read(b"@a\nACGT\n+\nIIII\n@cut\n\n+\n\n@b\nAC\n+\nII\n", "reads.fastq")
    assert (found.ids, found.cleaned.empty, found.cleaned.first_empty) == (("a", "b"), 1, "cut")


def test_a_file_of_empty_records_only_is_an_input_error(read):
    with pytest.raises(InputError, match="none of its 2 records"):
        read(b">a\n>b\n\n")


def test_control_characters_of_a_header_never_get_through(read):
    found = read(b">a\x1b[31mred\x07\x7f x\nMM\n>\x00\x01\nMK\n")
    assert found.ids == ("a?[31mred??", "??")


@pytest.mark.parametrize(
    ("header", "name", "replaced"),
    [
        (">Epichlo\u00eb_1 \u03b2-lactamase".encode(), "Epichlo\u00eb_1", 0),
        (">b \u03b2-lactamase".encode("iso8859-7"), "b", 0),
        (">Epichlo\u00eb_1".encode("latin-1"), "Epichlo?_1", 1),
        (">a\u0085x".encode(), "a", 0),
    ],
    ids=["utf-8", "other bytes in the description", "latin-1", "a control character of C1"],
)
def test_headers_outside_ascii_are_read(read, header, name, replaced):
    found = read(header + b"\nMM\n>second\nMK\n")
    assert found.ids == (name, "second")
    assert all(one.isprintable() for one in found.ids)
    assert found.cleaned.headers == replaced


def test_a_fastq_header_outside_ascii_is_read_with_a_mark(read):
    found = read("@Epichlo\u00eb x\nACGT\n+\nIIII\n@b\nAC\n+\nII\n".encode(), "x.fq")
    assert found.ids == ("Epichlo??", "b")
    assert found.cleaned.headers == 1


def in_tens(sequence):
    return b" ".join(sequence[i : i + 10] for i in range(0, len(sequence), 10))


@pytest.mark.parametrize("name", ["x.faa", "x.fasta", "x"])
@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (b">a\n" + in_tens(b"MKVLLAAGIVGLTTTPRQ") + b"\n", {"blanks": 1}),
        (b">a\n\tMKVLLAAGIV\tGLTTTPRQ \n", {"blanks": 1}),
        (b">a\nMKVLLAAGIV\0GLTTTPRQ\x1a\n", {"blanks": 2}),
        (">a\nMKVLLAAGIV\u00a0GLTTTPRQ\u200b\n".encode(), {"blanks": 2}),
        (b";a remark\n>a\nMKVLLAAGIV\n;REMARK\nGLTTTPRQ\n", {"comments": 2}),
        (b">a\nMKVLLAAGIV\n#remark\nGLTTTPRQ\n", {}),
        (b"\xef\xbb\xbf>a\nMKVLLAAGIVGLTTTPRQ\n", {}),
        (b"\n \r\n\n>a\nMKVLLAAGIVGLTTTPRQ\n", {}),
        (b"\xef\xbb\xbf\n>a\rMKVLLAAGIV\rGLTTTPRQ\r", {}),
    ],
    ids=["tens", "tabs", "NUL and ^Z", "pasted", "remarks", "# lines", "mark", "blank lines", "old Macintosh"],
)
def test_files_as_people_have_them_are_the_plain_sequence(read, content, counts, name):
    found = read(content, name)
    assert (found.ids, found.residues) == (("a",), (b"MKVLLAAGIVGLTTTPRQ",))
    assert found.cleaned == Cleaned(**counts)
    assert len(found.cleaned.notes) == len(counts)
    assert all(str(count) in note for count, note in zip(counts.values(), found.cleaned.notes, strict=True))


def test_a_mark_and_blank_lines_before_fastq_are_skipped(read):
    assert read(b"\xef\xbb\xbf\n@a\nACGT\n+\nIIII\n", "x.txt").residues == (b"ACGT",)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (">a\nMM\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + b"0" * 50, "zip"),
        (b"<!DOCTYPE html>", "web page"),
        (b"LOCUS       AB1", "GenBank"),
        (">a\nM\u00e9K\n".encode(), r"'a' contains '.xe9'"),
        (b"; nothing\nMKV\n>a\nMM\n", "line 2"),
    ],
)
def test_what_is_no_fasta_is_named(read, content, named):
    with pytest.raises(InputError, match=named):
        read(content)


COMPRESSED = {
    "bzip2": bz2.compress(FASTA),
    "xz": lzma.compress(FASTA),
    "zstandard": importlib.import_module(ZSTANDARD).compress(FASTA),
    "gzip": gzip.compress(FASTA),
    "two gzip members": gzip.compress(FASTA[:7]) + gzip.compress(FASTA[7:]),
    "gzip and zeros": gzip.compress(FASTA) + b"\0" * 700_000,
    "zeros between members": gzip.compress(FASTA[:7]) + b"\0" * 5 + gzip.compress(FASTA[7:]),
}


@pytest.mark.parametrize("name", ["x.faa", "x.fasta.gz", "x"])
@pytest.mark.parametrize("kind", COMPRESSED)
def test_compressed_files_are_known_by_their_content(read, kind, name):
    assert read(COMPRESSED[kind], name) == read(FASTA)


@pytest.mark.parametrize("kind", ["bzip2", "xz", "zstandard", "gzip"])
def test_a_truncated_compressed_file_is_an_input_error(read, kind):
    with pytest.raises(InputError, match=r"cannot (be )?read"):
        read(COMPRESSED[kind][:-12])


@pytest.mark.parametrize("garbage", [b"garbage", b"x", b"\0\0garbage", b"g" * 700_000])
def test_bytes_after_a_gzip_stream_are_counted_and_not_read(read, garbage):
    found = read(gzip.compress(FASTA) + garbage)
    assert found.residues == (b"MKVLL", b"MM")
    assert found.cleaned.trailing == len(garbage.lstrip(b"\0"))


def test_duplicate_ids_are_all_kept_and_become_unique(read):
    found = read(b">x\nMA\n>x\nMC\n>x.2\nMD\n>x\nME\n")
    assert found.residues == (b"MA", b"MC", b"MD", b"ME")
    assert found.ids == ("x", "x.3", "x.2", "x.4")
    assert found.renamed == 2


NAMES = st.lists(st.sampled_from(["x", "x.2", "x.2.2", "x.3", "y", "", ".2"]), min_size=1, max_size=30)


@settings(deadline=None)
@given(names=NAMES)
def test_ids_are_always_unique_and_the_first_of_each_keeps_its_name(names):
    unique, renamed = sequences.unique(names)
    assert len(set(unique)) == len(names)
    for name in names:
        assert unique[names.index(name)] == name
    assert renamed == len(names) - len(set(names))


@pytest.mark.parametrize("letters", [b"ACGTACGTNN", b"acguacgu", b"ACGTACGTAM"])
def test_nucleotides_are_refused_in_words(letters):
    with pytest.raises(InputError, match=r"DNA or RNA .*translate"):
        require_protein(made(letters))


def test_proteins_are_taken_even_when_one_of_them_looks_like_dna():
    require_protein(made(b"ACGT", b"MKTAYIAKQRQISFVKSHFSRQ"))


def test_the_borders_of_the_strata_belong_to_the_shorter_one():
    assert strata_of(np.array([1, 64, 65, 128, 129, 5000]), (64, 128)).tolist() == [0, 0, 1, 1, 2, 2]


STRATUM_S = np.repeat([0, 1, 2], [500, 300, 200])


def test_the_sample_is_shared_evenly():
    chosen_S = stratified_sample(STRATUM_S, 300, seed=0)
    assert np.bincount(STRATUM_S[chosen_S]).tolist() == [100, 100, 100]


def test_the_same_seed_gives_the_same_sample_and_another_seed_another():
    first, again, other = (stratified_sample(STRATUM_S, 90, seed) for seed in (7, 7, 8))
    assert first.tolist() == again.tolist() != other.tolist()
    assert stratified_sample(np.repeat([0, 1, 2], 10), 6, 0).tolist() == GOLDEN_SAMPLE


GOLDEN_SAMPLE = [6, 7, 12, 13, 20, 29]
"""Seed 0: a change here would silently give every user another sample than yesterday's."""


def test_what_a_short_stratum_cannot_give_the_others_give():
    stratum_S = np.repeat([0, 1, 2], [4, 1000, 50])
    chosen_S = stratified_sample(stratum_S, 300, seed=0)
    assert np.bincount(stratum_S[chosen_S]).tolist() == [4, 246, 50]


@settings(deadline=None)
@given(
    stratum=st.lists(st.integers(0, 2), min_size=1, max_size=120), sample=st.integers(1, 150), seed=st.integers(0, 9)
)
def test_the_sample_is_rising_distinct_of_exact_size_and_as_even_as_it_can_be(stratum, sample, seed):
    stratum_S = np.array(stratum)
    chosen_S = stratified_sample(stratum_S, sample, seed)
    assert len(chosen_S) == min(sample, len(stratum))
    assert (np.diff(chosen_S) > 0).all()
    available, taken = (np.bincount(found_S, minlength=3) for found_S in (stratum_S, stratum_S[chosen_S]))
    with_rest = taken[taken < available]
    # A stratum that still has sequences has given as many as any other, but for the remainder of the division.
    assert with_rest.size == 0 or with_rest.min() >= taken.max() - 1


def test_taking_keeps_ids_with_their_letters():
    taken = made(b"A", b"C", b"D").take([2, 0])
    assert (taken.ids, taken.residues) == (("2", "0"), (b"D", b"A"))


def test_the_content_hash_knows_letters_and_order_only(read):
    plain = content_hash(read(FASTA))
    assert plain == content_hash(read(gzip.compress(b">other names\nMKVLL\n>still others\nMM\n"), "y.gz"))
    assert plain != content_hash(made(b"MM", b"MKVLL"))
    assert content_hash(made(b"AB", b"C")) != content_hash(made(b"A", b"BC"))
