import bz2
import gzip
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.sequences import SequenceSet, content_hash, require_protein, strata_of, stratified_sample

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
        pytest.param(bz2.compress(FASTA), "x.fa.bz2", id="bzip2"),
        pytest.param(lzma.compress(FASTA), "x.fa.xz", id="xz"),
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


@pytest.mark.parametrize("content", [b">a\nMM\n>b\n>c\nMM\n", b">a\nMM\n>b\n", b">a\nMM\n>b\n \n>c\nMM\n"])
def test_a_record_without_sequence_is_named_with_its_number(read, content):
    with pytest.raises(InputError, match=r"record 2 \('b'\)"):
        read(content)


def test_control_characters_of_a_header_never_get_through(read):
    found = read(b">a\x1b[31mred\x07\x7f x\nMM\n>\x00\x01\nMK\n")
    assert found.ids == ("a?[31mred??", "??")


def test_a_header_outside_ascii_is_an_input_error_and_reaches_the_message_without_control_characters(read):
    with pytest.raises(InputError, match="ASCII") as caught:
        read(">a\u0085\u00e9\nMM\n".encode())
    assert str(caught.value).isprintable()


def test_duplicate_ids_are_all_kept_and_become_unique(read):
    found = read(b">x\nMA\n>x\nMC\n>x.2\nMD\n>x\nME\n")
    assert found.residues == (b"MA", b"MC", b"MD", b"ME")
    assert found.ids == ("x", "x.3", "x.2", "x.4")
    assert found.renamed == 2


NAMES = st.lists(st.sampled_from(["x", "x.2", "x.2.2", "x.3", "y", "", ".2"]), min_size=1, max_size=30)


@settings(deadline=None)
@given(names=NAMES)
def test_ids_are_always_unique_and_the_first_of_each_keeps_its_name(names):
    unique, renamed = sequences._unique(names)
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
