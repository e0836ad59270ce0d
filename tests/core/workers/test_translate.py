"""VirNucPro's chunk and frame rules, by hand and against a second implementation that goes base by base."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import CONTIGS
from vp_tui.core.errors import InputError
from vp_tui.core.inputs.sequences import SequenceSet, read
from vp_tui.core.workers.virnucpro.translate import FRAMES, chunk_starts, six_frames, translate

METAGENOME = Path(__file__).parents[4] / "shared/data/metagenome_contigs.fna.gz"

CODE = {
    "F": "TTT TTC", "L": "TTA TTG CTT CTC CTA CTG", "I": "ATT ATC ATA", "M": "ATG", "V": "GTT GTC GTA GTG",
    "S": "TCT TCC TCA TCG AGT AGC", "P": "CCT CCC CCA CCG", "T": "ACT ACC ACA ACG", "A": "GCT GCC GCA GCG",
    "Y": "TAT TAC", "*": "TAA TAG TGA", "H": "CAT CAC", "Q": "CAA CAG", "N": "AAT AAC", "K": "AAA AAG",
    "D": "GAT GAC", "E": "GAA GAG", "C": "TGT TGC", "W": "TGG", "R": "CGT CGC CGA CGG AGA AGG",
    "G": "GGT GGC GGA GGG",
}  # fmt: skip
AMINO = {codon: amino for amino, codons in CODE.items() for codon in codons.split()}


def of(*sequences, chunk=500):
    ids = tuple(f"c{number}" for number in range(len(sequences)))
    return translate(SequenceSet(ids=ids, residues=tuple(text.encode() for text in sequences)), chunk)


def frames_of(text, chunk=500):
    return {frame.id: (frame.nucleotide.decode(), frame.protein.decode()) for frame in of(text, chunk=chunk).frames}


# ---- the second implementation


def naive_starts(length, chunk):
    number = 0
    while number * chunk < length:
        number += 1
    too_much = number * chunk - length
    small = too_much // number
    steps = [small + 1] * (too_much - small * (number - 1))
    starts = [0]
    for position in range(number - 1):
        step = steps[position] if position < len(steps) else small
        starts.append(starts[-1] + chunk - step)
    return starts


def naive_frames(name, text, chunk):
    """(id, nucleotide, protein) in order."""
    result = []
    for number, start in enumerate(naive_starts(len(text), chunk), start=1):
        plus = text[start : start + chunk]
        minus = ""
        for base in plus:
            minus = {"A": "T", "C": "G", "G": "C", "T": "A"}.get(base, base) + minus
        for strand, letter in ((plus, "F"), (minus, "R")):
            for frame in (0, 1, 2):
                protein = ""
                place = frame
                while place + 3 <= len(strand):
                    protein += AMINO.get(strand[place : place + 3], "")
                    place += 3
                if protein and "*" not in protein:
                    bases = 3 * len(protein) + 1
                    result.append((f"{name}_chunk_{number}{letter}{frame + 1}", strand[frame : frame + bases], protein))
    return result


def found_in(translation):
    return [(frame.id, frame.nucleotide.decode(), frame.protein.decode()) for frame in translation.frames]


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(st.text("ACGT", min_size=1, max_size=80) | st.text("ACGGCN", min_size=1, max_size=80), min_size=1),
    chunk=st.integers(3, 40),
)
def test_frames_equal_those_of_the_second_implementation(texts, chunk):
    expected = [frame for number, text in enumerate(texts) for frame in naive_frames(f"c{number}", text, chunk)]
    found = of(*texts, chunk=chunk)
    assert found_in(found) == expected
    assert found.chunks == sum(len(naive_starts(len(text), chunk)) for text in texts)


@settings(max_examples=150, deadline=None)
@given(length=st.integers(1, 20_000), chunk=st.sampled_from([300, 500]) | st.integers(3, 999))
def test_chunks_cover_the_contig_from_its_first_to_its_last_base(length, chunk):
    starts = chunk_starts(length, chunk)
    assert starts == naive_starts(length, chunk)
    assert starts[0] == 0
    assert len(starts) == -(-length // chunk)
    assert all(0 < after - before <= chunk for before, after in pairwise(starts))
    assert starts[-1] < length <= starts[-1] + chunk


# ---- by hand


@pytest.mark.parametrize(
    ("length", "chunk", "starts", "last"),
    [
        (500, 500, [0], 500),
        (174, 500, [0], 174),
        (1000, 500, [0, 500], 500),
        (6988, 500, [k * 500 - min(k, 12) for k in range(14)], 500),
        # one base too long: of 499 bases of overlap only 250 are used, and the last chunk is short
        (501, 500, [0, 250], 251),
        (838, 500, [0, 418], 420),
        (1400, 500, [0, 466, 932], 468),
        (999, 500, [0, 499], 500),
        (301, 300, [0, 150], 151),
    ],
)
def test_chunks_of_hand_made_lengths(length, chunk, starts, last):
    assert chunk_starts(length, chunk) == starts
    assert length - starts[-1] == last


def test_overlaps_add_up_to_what_the_chunks_are_too_long():
    for length in range(501, 4000, 7):
        starts = chunk_starts(length, 500)
        lengths = [min(500, length - start) for start in starts]
        overlaps = [start + 500 - after for start, after in pairwise(starts)]
        assert sum(lengths) - sum(overlaps) == length
        assert max(overlaps) - min(overlaps) <= 1
        assert overlaps == sorted(overlaps, reverse=True)


@pytest.mark.parametrize(
    ("length", "bases", "residues"),
    [
        (500, [499, 499, 498], [166, 166, 166]),
        (174, [174, 172, 172], [58, 57, 57]),
        (171, [171, 169, 169], [57, 56, 56]),
        (150, [150, 148, 148], [50, 49, 49]),
    ],
)
def test_a_nucleotide_has_one_base_more_than_its_codons_where_there_is_one(length, bases, residues):
    text = ("GCC" * length)[:length]
    found = frames_of(text)
    assert list(found) == [f"c0_chunk_1{name}" for name in FRAMES]
    for strand in ("F", "R"):
        of_strand = [pair for name, pair in found.items() if name[-2] == strand]
        assert [len(nucleotide) for nucleotide, _ in of_strand] == bases
        assert [len(protein) for _, protein in of_strand] == residues
    assert found["c0_chunk_1F2"] == (text[1 : 1 + bases[1]], "P" * residues[1])


def test_a_codon_with_an_ambiguous_base_vanishes_and_the_frame_stays():
    found = frames_of("GCCNCCGCCGCA")
    assert found["c0_chunk_1F1"] == ("GCCNCCGCCG", "AAA")
    assert found["c0_chunk_1F2"] == ("CCNCCGC", "PP")
    # reverse complement TGCGGCGGNGGC: N stays N
    assert found["c0_chunk_1R1"] == ("TGCGGCGGNG", "CGG")


def test_the_minus_strand_is_the_reverse_complement():
    # plus TAATAGTGA has stops in F1; minus TCACTATTA reads SLL
    found = frames_of("TAATAGTGA")
    assert "c0_chunk_1F1" not in found
    assert found["c0_chunk_1R1"] == ("TCACTATTA", "SLL")


def test_frames_with_a_stop_and_frames_without_a_codon_are_gone():
    assert frames_of("ATGTAAGCC").get("c0_chunk_1F1") is None
    assert of("NNNNNN").frames == ()
    assert of("NNNNNN").without_frame == 1


def test_contigs_shorter_than_a_codon_and_without_a_frame_are_counted_apart():
    # TTAATTAATTAA has a stop in all six frames
    found = of("AC", "A", "TTAATTAATTAA", "GCCGCC")
    assert (found.contigs, found.chunks, found.too_short, found.without_frame) == (4, 4, 2, 1)
    assert {frame.contig for frame in found.frames} == {3}


def test_lower_case_and_rna_are_read_as_dna_and_counted():
    rna, dna = of("gccAUGgcu"), of("GCCATGGCT")
    assert found_in(rna) == found_in(dna)
    assert (rna.rna_letters, rna.lower_case, rna.ambiguous) == (2, 6, 0)
    assert of("GCC" * 20 + "RYN").ambiguous == 3


def test_proteins_are_refused():
    with pytest.raises(InputError, match="proteins"):
        of("MKTAYIAKQRQISFVKSHFSRQ")


def test_chunks_are_numbered_from_one_and_named_after_their_contig():
    found = of("GCC" * 200, chunk=300)
    assert {frame.chunk for frame in found.frames} == {1, 2}
    assert found.frames[-1].id == "c0_chunk_2R3"


def test_strands_of_a_batch_do_not_leak_into_each_other():
    alone = [next(six_frames([chunk])) for chunk in (b"GCCGC", b"G", b"ATGGCCA", b"")]
    assert list(six_frames([b"GCCGC", b"G", b"ATGGCCA", b""])) == alone


def test_real_contigs_equal_the_second_implementation():
    contigs = read(CONTIGS)
    expected = [
        frame
        for name, letters in zip(contigs.ids, contigs.residues, strict=True)
        for frame in naive_frames(name, letters.decode(), 500)
    ]
    found = translate(contigs, 500)
    assert found_in(found) == expected
    assert (found.contigs, found.chunks, len(found.frames), found.without_frame) == (12, 28, 28, 3)


@pytest.mark.skipif(not METAGENOME.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize(("chunk", "chunks", "frames", "without"), [(300, 702, 1036, 103), (500, 607, 853, 132)])
def test_the_counts_of_a_whole_metagenome(chunk, chunks, frames, without):
    found = translate(read(METAGENOME), chunk)
    assert (found.contigs, found.chunks, len(found.frames)) == (582, chunks, frames)
    assert (found.too_short, found.without_frame, found.ambiguous) == (0, without, 0)
