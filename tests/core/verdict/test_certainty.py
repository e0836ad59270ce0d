"""How sure a verdict is: bounds for a file of another mix than the sample, and sequences of one accession."""

import pytest
from records import four_strata, stats

from vp_tui.core.measurements import Measured
from vp_tui.core.measures.file_bound import accession_of, file_bound, with_bounds
from vp_tui.core.verdict.certainty import bound_of, failures_in_words


@pytest.mark.parametrize(
    ("tried", "in_file", "bound"),
    [
        # the even sample is worth what it is, and as much less as the file is uneven
        ((20, 20, 20), (900, 900, 900), 0.0487),
        ((20, 20, 20), (4500, 3200, 2300), 0.0626),
        ((20, 20, 20), (95, 3, 2), 0.1322),
        ((60, 0, 0), (100, 0, 0), 0.0487),
        # nobody looked at the long ones
        ((20, 20, 0), (40, 40, 20), 0.2 + 0.8 * 0.0722),
    ],
)
def test_the_bound_is_that_of_the_mix_of_the_file(tried, in_file, bound):
    assert file_bound((0, 0, 0), tried, in_file) == pytest.approx(bound, abs=2e-3)


def test_a_stratum_alone_is_never_beyond_the_bound():
    # the chance to see no failure of 20 short ones, at the bound's own failure rate, is 5 %
    bound = file_bound((0, 0, 0), (20, 20, 20), (4500, 3200, 2300))
    assert (1 - bound / 0.45) ** 20 >= 0.05 * 0.999


def test_failures_raise_the_bound_and_a_whole_file_has_none_but_its_own():
    none = file_bound((0, 0, 0), (20, 20, 20), (50, 50, 50))
    assert file_bound((1, 0, 0), (20, 20, 20), (50, 50, 50)) > none
    assert file_bound((2, 0, 0), (20, 20, 20), (20, 20, 20)) == pytest.approx(2 / 60)
    assert file_bound((0, 0, 0), (20, 20, 20), (20, 20, 20)) == 0
    assert file_bound((0, 0, 0), (0, 0, 0), (20, 20, 20)) is None
    assert file_bound((0, 0, 0), (0, 0, 0), (0, 0, 0)) is None


@pytest.mark.parametrize(
    ("name", "accession"),
    [
        ("X04370.1_51133_300R3", "X04370.1"),
        ("NC_045512.2:266-21555", "NC_045512.2"),
        ("AY184220_6919", "AY184220"),
        ("NODE_12_length_345_cov_1.2", "NODE_12_length_345_cov_1.2"),
        ("k141_7", "k141_7"),
        ("sp|P0DTC2|SPIKE_SARS2", "sp|P0DTC2|SPIKE_SARS2"),
        ("read 7", "read 7"),
    ],
)
def test_names_with_coordinates_give_their_accession_and_others_themselves(name, accession):
    assert accession_of(name) == accession


def test_reads_of_one_genome_are_counted_by_genome():
    names = [f"X0437{i % 2}.1_{i}_300F1" for i in range(30)]
    found = with_bounds(Measured(), four_strata(), {"short": 10, "medium": 100, "long": 100}, names)
    numbers = found.values["M1"]["all"]
    assert (numbers["accessions"], numbers["failure_bound_accessions"]) == (2, pytest.approx(1 - 0.05**0.5))
    assert bound_of(found) == numbers["failure_bound_file"]
    alone = with_bounds(Measured(), four_strata(), {"short": 10}, [f"p{i}" for i in range(30)])
    assert "accessions" not in alone.values["M1"]["all"]


def test_an_older_run_has_the_bound_of_its_sample():
    assert bound_of(Measured(values={"M1": {"all": {"failure_bound": 0.1}}})) == 0.1
    assert bound_of(Measured()) is None


def test_a_sample_that_is_not_finished_counts_what_is_done():
    strata = (stats("short", n=4), stats("medium", n=4), stats("long", n=4), stats("all", n=12))
    found = with_bounds(
        Measured(), strata, dict.fromkeys(("short", "medium", "long"), 100), [f"p{i}" for i in range(12)]
    )
    assert found.values["M1"]["all"]["failure_bound_file"] == pytest.approx(1 - 0.05 ** (1 / 12), abs=1e-6)


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (0.2209, "up to 22 in 100"),
        (0.01, "up to 1 in 100"),
        (0.0099, "up to 10 in 1,000"),
        (2.9e-4, "up to 3 in 10,000"),
        (1e-5, "up to 1 in 10,000"),
        (0.0, "up to 0 in 10,000"),
    ],
)
def test_a_bound_is_told_as_a_count(bound, words):
    assert failures_in_words(bound) == words
