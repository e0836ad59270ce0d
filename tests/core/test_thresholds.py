"""Limits from a file: what is taken, and what is told when something is wrong."""

import pytest
from pydantic import ValidationError

from vp_tui.core.errors import UsageError
from vp_tui.core.thresholds import Thresholds, read_thresholds


@pytest.fixture
def read(tmp_path):
    def reading(text):
        path = tmp_path / "limits.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_thresholds(path)

    return reading


@pytest.mark.parametrize(
    "text",
    [
        "cosine_fail = 0.995\nheadroom_bits_fail = 2\n",
        "[thresholds]\ncosine_fail = 0.995\nheadroom_bits_fail = 2\n",
        "# mine\ncosine_fail = 0.995\n[thresholds]\nheadroom_bits_fail = 2.0\n",
    ],
)
def test_names_at_the_top_or_in_the_table_replace_limits_and_the_others_stay(read, text):
    assert read(text) == Thresholds(cosine_fail=0.995, headroom_bits_fail=2.0)


@pytest.mark.parametrize("text", ["", "[thresholds]\n", "# nothing\n"])
def test_a_file_without_limits_changes_none(read, text):
    assert read(text) == Thresholds()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cosine_fial = 0.9", ["there is no limit 'cosine_fial'", "did you mean 'cosine_fail'?"]),
        ("cosine-fail = 0.9", ["did you mean 'cosine_fail'?"]),
        ("zzz = 1", ["there is no limit 'zzz'", "the names are headroom_bits_fail, "]),
        ("[threshold]\ncosine_fail = 0.9", ["there is no limit 'threshold'"]),
        ("cosine_fail = 1.5", ["cosine_fail = 1.5", "less than 1"]),
        ("cosine_fail = 1", ["cosine_fail = 1", "less than 1"]),
        ("kernel_ratio_fail = 1.0", ["kernel_ratio_fail = 1.0", "greater than 1"]),
        ("cosine_fail = '0.9'", ["cosine_fail = '0.9'", "a valid number"]),
        ("match_rate = true", ["match_rate = True", "a valid number"]),
        ("cosine_fail = nan", ["cosine_fail = nan", "a finite number is needed"]),
        ("speedup = inf", ["speedup = inf", "a finite number is needed"]),
        ("speedup = 1.0\n[thresholds]\nspeedup = 2.0", ["speedup both at the top and under [thresholds]"]),
        ("thresholds = 3", ["'thresholds' is a table, [thresholds]; got 3"]),
        ("cosine_fail = \n", ["is no valid TOML", "line 1"]),
        ("speedup = 1.0\ncosine_fail 0.9\n", ["is no valid TOML", "line 2"]),
        (b"\xff\xfe", ["cannot be read"]),
        ("cosine_fail = 2.0\nspeedup = -1\n", ["cosine_fail = 2.0", "speedup = -1", "greater than 0"]),
        ("cosine_fial = 2.0\nspeedup = inf\n", ["'cosine_fial'", "speedup = inf"]),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_name_value_and_what_is_allowed(read, text, words):
    with pytest.raises(UsageError) as caught:
        read(text)
    for word in [*words, "limits.toml"]:
        assert word in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"there is no thresholds file .*nothing\.toml"):
        read_thresholds(tmp_path / "nothing.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_thresholds(tmp_path)


def test_limits_are_frozen_and_survive_json():
    limits = Thresholds(cosine_fail=0.5)
    assert Thresholds(**Thresholds.model_validate_json(limits.model_dump_json()).model_dump()) == limits
    with pytest.raises(ValidationError):
        limits.cosine_fail = 0.1
