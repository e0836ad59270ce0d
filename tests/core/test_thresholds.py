"""Limits from a file: what is taken, and what is told when something is wrong."""

import pytest
from pydantic import ValidationError

from vp_tui.core.errors import UsageError
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.sets import S1
from vp_tui.core.thresholds import LIMITS, Thresholds, read_thresholds


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
        "M1.fail = 0.995\nV3.fail = 2\n",
        "[M1]\nfail = 0.995\n[V3]\nfail = 2\n",
        "[thresholds]\nM1.fail = 0.995\nV3.fail = 2\n",
        "# mine\nM1.fail = 0.995\n[thresholds.V3]\nfail = 2.0\n",
    ],
)
def test_names_at_the_top_or_in_the_table_replace_limits_and_the_others_stay(read, text):
    assert read(text) == Thresholds({"M1.fail": 0.995, "V3.fail": 2.0})


@pytest.mark.parametrize("text", ["", "[thresholds]\n", "# nothing\n"])
def test_a_file_without_limits_changes_none(read, text):
    assert read(text) == Thresholds()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("M1.fial = 0.9", ["'M1.fial'", "'M1.fail'"]),
        ("M1 = 0.9", ["'M1'"]),
        ("zzz = 1", ["'zzz'", "V1.fail, "]),
        ("[threshold]\nM1.fail = 0.9", ["'threshold.M1'"]),
        ("M1.fail = 1.5", ["M1.fail = 1.5", "(-1, 1)"]),
        ("M1.fail = 1", ["M1.fail = 1", "(-1, 1)"]),
        ("R2.fail = 1.0", ["R2.fail = 1.0", "(1, inf)"]),
        ("V1.fail = 3", ["V1.fail = 3", "[0, 0]"]),
        ("M1.fail = '0.9'", ["M1.fail = '0.9'", "not a finite number"]),
        ("M6.fail = true", ["M6.fail = True", "not a finite number"]),
        ("M1.fail = nan", ["M1.fail = nan", "not a finite number"]),
        ("P1.fail = inf", ["P1.fail = inf", "not a finite number"]),
        ("P1.fail = 1.0\n[thresholds]\nP1.fail = 2.0", ["P1.fail both"]),
        ("thresholds = 3", ["got 3"]),
        ("M1.fail = \n", ["TOML", "line 1"]),
        ("P1.fail = 1.0\nM1.fail 0.9\n", ["TOML", "line 2"]),
        (b"\xff\xfe", ["cannot be read"]),
        ("M1.fail = 2.0\nP1.fail = -1\n", ["M1.fail = 2.0", "P1.fail = -1"]),
        ("M1.fial = 2.0\nP1.fail = inf\n", ["'M1.fial'", "P1.fail = inf"]),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_name_value_and_what_is_allowed(read, text, words):
    with pytest.raises(UsageError) as caught:
        read(text)
    for word in [*words, "limits.toml"]:
        assert word in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"nothing\.toml.* does not exist"):
        read_thresholds(tmp_path / "nothing.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_thresholds(tmp_path)


def test_limits_are_frozen_and_survive_json():
    limits = Thresholds({"M1.fail": 0.5})
    assert Thresholds(Thresholds.model_validate_json(limits.model_dump_json()).model_dump()) == limits
    assert (limits.fail(M1), limits.warn(S1)) == (0.5, 0.98)
    with pytest.raises(ValidationError):
        limits.root = {}
    with pytest.raises(ValidationError, match=r"M1\.fial"):
        Thresholds({"M1.fial": 0.5})


def test_every_limit_of_the_table_is_allowed_and_has_a_note():
    for name, limit in LIMITS.items():
        assert limit.value in limit.allowed, name
        assert limit.note.endswith("."), name
        assert str(limit.allowed)[1:-1].count(",") == 1
