"""The form of a new run without a screen: generated from RunConfig, checked by it."""

import pytest

from vp_tui.core.config import PrecisionPlan, RunConfig
from vp_tui.tui.fields import (
    begin_values,
    changed_titles,
    check,
    file_error,
    form_fields,
    initial_values,
    plans_of,
)


def test_the_form_has_every_field_a_person_fills_in_and_no_other():
    names = [item.name for item in form_fields()]
    hidden = {"tags", "thresholds", "plan", "fault", "judged", "precision_requested", "precision_reason"}
    assert names == [name for name in RunConfig.model_fields if name not in hidden]


def test_titles_words_and_limits_are_those_of_the_config():
    sample = next(item for item in form_fields() if item.name == "sample")
    info = RunConfig.model_fields["sample"]
    assert sample.title == info.title
    assert sample.description == f"{info.description} (1 to 10000000)"


def test_the_kind_of_widget_follows_the_type_of_the_field():
    kinds = {item.name: item.kind for item in form_fields()}
    assert kinds["precision"] == kinds["gates"] == "choice"
    assert kinds["fp32_compare"] == "switch"
    assert kinds["token_budget"] == kinds["strata"] == "text"


PLAN = PrecisionPlan(name="run-7", precision="fp16", kept={"layers.3.fc1": "fp32"})


def test_a_stored_plan_is_a_precision_to_choose(fasta):
    plans = {"plan:run-7": PLAN}
    choices = next(item.choices for item in form_fields(plans) if item.name == "precision")
    assert choices == ("fp32", "tf32", "bf16", "fp16", "plan:run-7")
    config = check({"model": "esm2-3b", "input": fasta, "precision": "plan:run-7"}, plans).config
    assert (config.precision, config.plan) == ("fp16", PLAN)
    assert check({"model": "esm2-3b", "input": fasta, "precision": "plan:other"}, plans).config is None


def test_a_rerun_of_a_plan_asks_for_the_plan_again_and_not_for_its_base():
    config = RunConfig(model="m", input="i", plan=PLAN).model_dump(mode="json")
    assert initial_values(config)["precision"] == "plan:run-7"
    assert plans_of(config) == {"plan:run-7": PLAN}


def test_good_values_become_a_config(fasta):
    checked = check({"model": "esm2-3b", "input": fasta, "sample": "500", "strata": "64,128", "name": ""})
    assert checked.config == RunConfig(model="esm2-3b", input=fasta, sample=500, strata=(64, 128))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sample", "0", "at least 1"),
        ("sample", "many", "whole number"),
        ("token_budget", "8", " or "),
        ("strata", "64", "64,128"),
        ("device", "gpu", "cuda:N"),
        ("model", "", "a value is needed"),
        ("oracle", "", "whole number"),
    ],
)
def test_a_wrong_value_has_its_message_at_its_field(fasta, name, value, words):
    checked = check({"model": "esm2-3b", "input": fasta} | {name: value})
    assert checked.config is None
    assert words in checked.errors[name]
    assert set(checked.errors) == {name}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("input", "/nonexistent/a.fasta", "no such file"),
        ("input", "a.fasta", "no such file"),
        ("input", "/tmp", "not a file"),
        ("input", "~nobody-here/a.fasta", "no such file"),
        ("input", "/tmp/" + 300 * "a", "File name too long"),
        ("model", "/nonexistent/model", "no such file"),
        ("model", "~nobody-here/model", "no such file"),
        ("model", 300 * "a", "File name too long"),
        ("model", "esm2-3b\0", "null"),
    ],
)
def test_a_path_that_cannot_be_has_its_message(name, value, words):
    assert words in file_error(name, value)


def test_a_name_of_the_hub_is_no_path(tmp_path):
    assert [file_error("model", text) for text in ("", "esm2-3b", "facebook/esm2_t6_8M_UR50D", str(tmp_path))] == [
        None, None, None, None,
    ]  # fmt: skip


def test_what_is_asked_for_every_day_is_shown_and_the_rest_is_more():
    first = [item.name for item in form_fields() if not item.is_more]
    assert first == ["model", "input", "precision", "sample", "device", "name"]


def test_only_changed_settings_of_the_rest_are_told():
    assert changed_titles(begin_values({"sample": "5"})) == []
    assert changed_titles(begin_values({"strata": "64,128", "oracle": "0", "gates": "strict"})) == [
        "Strata", "Gates", "Oracle",
    ]  # fmt: skip


def test_cuts_that_do_not_rise_are_a_message_of_the_whole_form(fasta):
    assert "rise" in check({"model": "m", "input": fasta, "strata": "128,64"}).errors[""]


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.fasta").write_text(">a\nM\n")
    config = check({"model": "esm2-3b", "input": "~/a.fasta"}).config
    assert config is not None
    assert config.input == str(tmp_path / "a.fasta")


def test_a_rerun_asks_again_for_the_precision_that_was_wanted():
    stored = {"model": "m", "strata": [64, 128], "precision": "fp32", "precision_requested": "fp16", "tags": {"a": "b"}}
    assert initial_values(stored) == {"model": "m", "strata": "64,128", "precision": "fp16"}


# -- the form on the screen
