import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from records import config

from vp_tui.core.config import RunConfig, choose_precision, plain_plan
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.thresholds import Thresholds

VARIABLE = "VIRNUCPRO_DISABLE_FP16"


def test_the_missions_cosine_limit_and_speed_goal_are_the_defaults():
    limits = Thresholds()
    assert (limits.fail(M1), limits.fail(P1), limits.fail(P1_GPU)) == (0.99, 1.8, 80.0)


def test_a_config_needs_only_a_model_and_an_input():
    made = config()
    assert (made.precision, made.reference, made.sample, made.gates) == ("fp16", "fp32", 10_000, "mission")
    assert (made.seed, made.strata, made.device, made.token_budget) == (0, None, "auto", "auto")


@pytest.mark.parametrize("text", ["64,128", " 64 , 128 ", "64, 128"])
def test_strata_are_read_as_they_are_typed(text):
    assert config(strata=text).strata == (64, 128)


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_strata_mean_the_models_own(text):
    assert config(strata=text).strata is None


@pytest.mark.parametrize("text", ["64", "64,128,256", "64;128", "a,b", "-1,5", "1.5,3", "128,64", "64,64", "0,64"])
def test_strata_that_are_no_two_rising_whole_numbers_are_refused_with_an_example(text):
    with pytest.raises(ValidationError, match="64,128"):
        config(strata=text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample": 0},
        {"sample": 10_000_001},
        {"seed": -1},
        {"seed": 2**31},
        {"token_budget": 15},
        {"token_budget": 1_048_577},
        {"token_budget": "many"},
        {"device": "cuda:x"},
        {"device": "gpu"},
        {"precision": "fp8"},
        {"reference": "fp64"},
        {"gates": "none"},
        {"model": ""},
        {"model": "   "},
        {"input": ""},
        {"name": "x" * 81},
        {"sampel": 5},
    ],
)
def test_values_outside_the_limits_are_refused_by_the_name_of_their_field(wrong):
    with pytest.raises(ValidationError) as caught:
        config(**wrong)
    assert caught.value.errors()[0]["loc"][0] == next(iter(wrong))


@pytest.mark.parametrize(
    "right",
    [{"sample": 1}, {"seed": 2**31 - 1}, {"token_budget": 16}, {"token_budget": "4096"}, {"device": "cuda:3"}],
)
def test_values_at_the_limits_are_taken(right):
    (field, value) = next(iter(right.items()))
    assert str(getattr(config(**right), field)) == str(value)


def test_an_empty_name_is_no_name():
    assert config(name="  ").name is None


def test_a_config_is_frozen():
    with pytest.raises(ValidationError):
        config().sample = 5


# U+0085 is a blank too (next line), which a config strips as it does those of category Z
LETTERS = st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Z"], exclude_characters="\x85")
TEXT = st.text(LETTERS, min_size=1, max_size=20)


@settings(deadline=None)
@given(
    made=st.builds(
        RunConfig,
        model=TEXT,
        input=TEXT,
        precision=st.sampled_from(["fp32", "tf32", "bf16", "fp16"]),
        sample=st.integers(1, 10_000_000),
        strata=st.none() | st.tuples(st.integers(1, 99), st.integers(100, 999)),
        token_budget=st.just("auto") | st.integers(16, 1_048_576),
        fp32_compare=st.booleans(),
        gates=st.sampled_from(["mission", "strict"]),
        name=st.none() | TEXT,
        tags=st.dictionaries(TEXT, TEXT, max_size=3),
    )
)
def test_a_config_survives_the_way_through_json(made):
    assert RunConfig.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("value", ["1", "true", "YES", " 1 ", "True\n", "yes"])
def test_the_rollback_switch_puts_the_candidate_back_to_fp32_and_says_why(value):
    choice = choose_precision("fp16", {VARIABLE: value})
    assert choice.precision == "fp32"
    assert choice.reason == f"{VARIABLE}={value.strip()} is set: the candidate runs in fp32 instead of fp16"


@pytest.mark.parametrize("environment", [{}, {VARIABLE: "0"}, {VARIABLE: "false"}, {VARIABLE: ""}, {VARIABLE: "no"}])
def test_without_the_switch_the_requested_precision_is_used_and_needs_no_reason(environment):
    choice = choose_precision("bf16", environment)
    assert (choice.precision, choice.reason) == ("bf16", None)


def test_a_plain_plan_is_named_after_its_precision():
    assert plain_plan("tf32").name == plain_plan("tf32").precision == "tf32"
