"""Choices for a path field, from a real tree of folders."""

import os

import pytest

from vp_tui.tui import completion
from vp_tui.tui.completion import (
    PathChoice,
    common_start,
    folder_of,
    in_folder,
    known_inputs,
    known_models,
    merged,
    named,
)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A home, and the current folder, of someone who has some of everything."""
    for name in ("reads.fasta", "reads.fq.gz", "READS.FA", "notes.txt", "model.pt", ".hidden.fa", "two words.fna"):
        (tmp_path / name).touch()
    for name in ("runs", "esm", ".cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "esm" / "config.json").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(text, field):
    return [choice.value for choice in in_folder(text, field)]


def test_sequences_are_files_of_their_kinds_and_folders_behind_them(tree):
    assert values("", "input") == ["READS.FA", "reads.fasta", "reads.fq.gz", "two words.fna", "esm/", "runs/"]
    assert values(f"{tree}/re", "input") == [f"{tree}/reads.fasta", f"{tree}/reads.fq.gz"]


def test_a_model_is_a_checkpoint_folder_or_a_pt_file_and_other_folders_lead_on(tree):
    assert in_folder(f"{tree}/", "model") == (
        PathChoice(value=f"{tree}/model.pt"),
        PathChoice(value=f"{tree}/esm", hint="checkpoint"),
        PathChoice(value=f"{tree}/runs/", hint="folder", is_folder_to_open=True),
    )
    assert values("e", "input") == ["esm/"], "for sequences it is a folder like any other"


def test_a_tilde_stays_as_it_is_typed(tree):
    assert values("~", "model") == values("~/", "model") == ["~/model.pt", "~/esm", "~/runs/"]
    assert values("~/reads.f", "input") == ["~/reads.fasta", "~/reads.fq.gz"]
    assert folder_of("~/x") == f"{tree}/"
    assert values("~nobody-here/", "input") == []


def test_hidden_entries_come_when_a_dot_is_typed(tree):
    assert values(".", "input") == [".hidden.fa", ".cache/"]


@pytest.mark.parametrize("text", ["/nonexistent/x", "reads.fasta/", "\0/", "/" + 300 * "a" + "/"])
def test_what_is_no_folder_offers_nothing(tree, text):
    assert in_folder(text, "input") == ()


def test_links_are_followed_and_a_broken_one_spoils_nothing(tree):
    (tree / "link").symlink_to(tree / "esm")
    (tree / "loop").symlink_to(tree / "loop")
    assert in_folder("l", "model") == (PathChoice(value="link", hint="checkpoint"),)


def test_a_name_that_cannot_be_shown_is_not_offered(tree):
    os.mkdir(b"bad\xff")
    os.mkdir("bad\nline")
    assert values("bad", "input") == []


def test_a_crowded_folder_is_looked_at_up_to_a_bound(tree, monkeypatch):
    for number in range(200):
        (tree / f"x{number:03}.fa").touch()
    assert len(values("x", "input")) == completion.MAX_CHOICES
    assert values("x1", "input")[0] == "x100.fa"
    monkeypatch.setattr(completion, "MAX_ENTRIES", 0)
    assert values("x", "input") == []


def test_names_are_found_by_any_part_in_any_case():
    known = known_models(())
    assert [choice.value for choice in named("3B", known)] == ["esm2-3b"]
    assert named("", known) == known
    assert known_inputs(()) == ()


def test_each_value_is_offered_once_where_it_came_first():
    first, second = PathChoice(value="a", hint="used before"), PathChoice(value="a", hint="folder")
    assert merged([first], [second, PathChoice(value="b")]) == (first, PathChoice(value="b"))


def test_tab_goes_as_far_as_the_choices_agree():
    choices = [PathChoice(value="esm2-8m"), PathChoice(value="esm2-3b"), PathChoice(value="facebook/esm2")]
    assert common_start("e", choices) == "esm2-"
    assert common_start("esm2-3", choices) == "esm2-3b"
    assert common_start("x", choices) == "x"
    assert common_start("", choices) == ""
