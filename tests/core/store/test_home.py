from pathlib import Path

import pytest

from vp_tui.core.errors import StoreError
from vp_tui.core.store.home import Home


def test_the_variable_names_the_home(tmp_path):
    assert Home.from_environment({"VP_TUI_HOME": f" {tmp_path} "}).root == tmp_path


def test_a_tilde_and_a_relative_path_become_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert Home.from_environment({"VP_TUI_HOME": "~/vp"}).root == tmp_path / "vp"
    assert Home.from_environment({"VP_TUI_HOME": "here"}).root == tmp_path / "here"


@pytest.mark.parametrize("environment", [{}, {"VP_TUI_HOME": ""}, {"VP_TUI_HOME": "  "}])
def test_without_the_variable_the_home_is_the_users_data_folder(environment, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Home.from_environment(environment).root == tmp_path / "vp-tui"


def test_the_places_lie_where_the_documentation_says():
    place = Home(Path("/h"))
    assert [str(path) for path in (place.database, place.run_folder("ab"), place.cache)] == [
        "/h/runs.db",
        "/h/runs/ab",
        "/h/cache",
    ]


def test_create_makes_the_folders_and_may_be_repeated(tmp_path):
    place = Home(tmp_path / "a/b")
    place.create()
    place.create()
    assert all(folder.is_dir() for folder in (place.root, place.runs, place.cache, place.locks))


@pytest.mark.parametrize("root", ["/dev/null/x", "/proc/vp-tui", "/dev/null"])
def test_a_place_that_cannot_be_written_is_a_store_error_with_the_way_out(root):
    with pytest.raises(StoreError, match="VP_TUI_HOME") as caught:
        Home(Path(root)).create()
    assert caught.value.exit_code == 8


def test_the_uuid_of_a_foreign_store_never_leads_out_of_the_folder_of_runs(tmp_path):
    place = Home(tmp_path)
    for uuid in ("../../victim", "/etc", "", ".", "..", "a/b", "\n"):
        assert place.run_folder(uuid).parent == place.runs
        assert place.run_folder(uuid).name == "no-uuid"


@pytest.mark.parametrize("given", ["~nosuchuser/x", "caf\udce9"])
def test_a_variable_that_is_no_path_is_a_store_error(given):
    with pytest.raises(StoreError, match="VP_TUI_HOME"):
        Home.from_environment({"VP_TUI_HOME": given})


def test_a_user_without_a_home_folder_is_told_to_name_one(monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_dir", lambda _: "~/.local/share/vp-tui")
    with pytest.raises(StoreError, match="VP_TUI_HOME"):
        Home.from_environment({})
