"""Options of the command line: one source for defaults, help, choices and limits."""

from typing import Literal, get_args, get_origin

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.tui import cli
from vp_tui.tui.cli_options import OPTIONS, config_options, proving

DIFFER = {
    ("calibrate", "oracle"), ("embed", "precision"), ("virnucpro", "sample"),
    ("run", "model"), ("run", "input"),  # --resume RUN takes those of the run
}  # fmt: skip
"""Defaults that a command has of its own, each with a reason."""

COMMANDS = get_command(cli.app).commands
SHARED = [
    (command, option)
    for command, found in COMMANDS.items()
    for option in found.params
    if option.name in OPTIONS and not option.multiple and (command, option.name) not in DIFFER
    if command in {"run", "demo", "embed", "virnucpro", "calibrate", "bench", "policy", "show"}
    if (command, option.name) not in {("virnucpro", "input"), ("bench", "model")}
]


def test_run_has_an_option_for_every_field_with_a_description():
    assert set(OPTIONS) <= {option.name for option in COMMANDS["run"].params}
    assert len(OPTIONS) == 19


@pytest.mark.parametrize(("command", "option"), SHARED, ids=lambda one: one if isinstance(one, str) else one.name)
def test_a_default_is_that_of_the_field(command, option):
    field = RunConfig.model_fields[option.name]
    wanted = None if field.is_required() else field.get_default()
    assert option.required is field.is_required()
    assert option.default == ("" if option.name in {"strata", "name", "thresholds"} else wanted)


@pytest.mark.parametrize(("command", "name"), [("demo", "devices"), ("embed", "devices"), ("embed", "ray")])
def test_the_options_of_several_devices_are_those_of_run(command, name):
    own, of_run = ({one.name: one for one in COMMANDS[which].params}[name] for which in (command, "run"))
    assert [own.opts, own.help, own.metavar] == [of_run.opts, of_run.help, of_run.metavar]


@pytest.fixture
def received():
    """received(*arguments, names=...) -> the configuration a command made now gets."""

    def call(*arguments, names=("oracle", "precision"), **defaults):
        app = typer.Typer(rich_markup_mode=None)
        got = []

        @app.command()
        @config_options(*names, **defaults)
        def command(config: dict[str, object]) -> None:
            got.append(config)

        done = CliRunner().invoke(app, list(arguments))
        return (got[0] if got else None), done

    return call


def test_a_changed_default_of_a_field_changes_the_option(received, monkeypatch):
    monkeypatch.setattr(RunConfig.model_fields["oracle"], "default", 32)
    config, _ = received()
    assert config == {"oracle": 32, "precision": "fp16"}
    assert "[default: 32" in " ".join(received("--help")[1].stdout.split())


def test_a_command_may_have_a_default_of_its_own(received):
    assert received(oracle=0)[0]["oracle"] == 0


def test_choices_and_limits_are_those_of_the_field(received):
    field = RunConfig.model_fields["attention"]
    assert get_origin(field.annotation) is Literal
    for choice in get_args(field.annotation):
        assert received("--attention", choice, names=("attention",))[0]["attention"] == choice
    assert received("--attention", "none", names=("attention",))[1].exit_code == 2
    # a precision may be a plan, which is looked up where the run is configured
    assert received("--precision", "plan:mine")[0]["precision"] == "plan:mine"
    assert "(0 to 4096)" in " ".join(received("--help")[1].stdout.split())


def test_tags_become_a_mapping(received):
    assert received("--tag", "a=b", "--tag", "c=d=e", names=("tags",))[0] == {"tags": {"a": "b", "c": "d=e"}}
    assert received(names=("tags",))[0] == {"tags": {}}


@pytest.mark.parametrize(
    ("typed", "is_refused", "wanted"), [(0, False, 0), (8, False, 8), (64, False, 64), (4, True, 0), (-1, False, -1)]
)
def test_as_many_sequences_prove_the_reference_as_were_asked_for(typed, is_refused, wanted):
    assert proving(typed, is_refused=is_refused) == wanted


@pytest.mark.parametrize("typed", [1, 7])
def test_too_few_sequences_to_prove_a_reference_are_refused_and_not_raised_silently(typed):
    with pytest.raises(UsageError, match=str(typed)):
        proving(typed, is_refused=False)


def test_run_offers_to_leave_the_reference_unproved():
    assert "no_oracle" in {option.name for option in COMMANDS["run"].params}
