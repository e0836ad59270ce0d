"""The entry of child processes: answers and errors in JSON, exit codes, and the command that starts one."""

import gc
import json
import sys
from types import ModuleType

import pytest

from vp_tui.core import errors
from vp_tui.core.errors import InputError, ModelError, VpTuiError
from vp_tui.core.runs.worker import error_document, read_answer, worker_command
from vp_tui.core.workers import __main__ as entry
from vp_tui.core.workers.__main__ import WORKERS, Worker


@pytest.fixture
def worker(monkeypatch):
    """worker(main, answers=...): a worker called `pretend` with one option --word."""

    def make(main, *, answers):
        module = ModuleType("vp_tui.core.pretend")
        module.add_arguments = lambda parser: parser.add_argument("--word")
        module.main = main
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(entry, "WORKERS", {**WORKERS, "pretend": Worker("pretend", answers=answers)})

    return make


def raising(error):
    def main(options):
        raise error

    return main


def test_a_document_is_answered_on_stdout(worker, capsys):
    worker(lambda options: {"word": options.word}, answers=True)
    assert entry.main(["pretend", "--word", "yes"]) == 0
    assert read_answer(capsys.readouterr().out) == {"word": "yes"}


@pytest.mark.parametrize("result", [lambda options: {}, raising(ModelError("broken"))])
def test_garbage_is_collected_again_as_soon_as_the_worker_s_module_is_imported(worker, result):
    states = []
    worker(lambda options: states.append(gc.isenabled()) or result(options), answers=True)
    frozen = gc.get_freeze_count()
    entry.main(["pretend"])
    assert states == [True]
    assert gc.get_freeze_count() > frozen


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_an_error_crosses_the_process_with_its_type_and_exit_code(worker, capsys, kind):
    if not issubclass(kind, VpTuiError):
        return
    worker(raising(kind("say: error: twice")), answers=True)
    assert entry.main(["pretend"]) == kind.exit_code
    out, err = capsys.readouterr()
    assert err == ""
    with pytest.raises(VpTuiError) as caught:
        read_answer(out)
    assert (type(caught.value), str(caught.value)) == (kind, "say: error: twice")


def test_a_narrower_error_comes_back_as_the_nearest_one_of_the_tree():
    class NoSuchLayerError(ModelError):
        pass

    assert error_document(NoSuchLayerError("x"))["error"]["type"] == "ModelError"


def test_what_is_neither_answer_nor_error_is_refused():
    with pytest.raises(ValueError):
        read_answer("")


def test_a_foreground_worker_reports_on_stderr_and_ends_with_its_own_code(worker, capsys):
    worker(lambda options: 4, answers=False)
    assert entry.main(["pretend"]) == 4
    worker(raising(InputError("no such file")), answers=False)
    assert entry.main(["pretend"]) == InputError.exit_code
    assert capsys.readouterr() == ("", "error: no such file\n")


@pytest.mark.parametrize("answers", [False, True])
def test_an_interrupted_worker_ends_with_130(worker, capsys, answers):
    worker(raising(KeyboardInterrupt()), answers=answers)
    assert entry.main(["pretend"]) == 130
    assert capsys.readouterr() == ("", "")


def test_the_error_of_a_real_worker_keeps_its_type(capsys):
    assert entry.main(["env-probe", "--model", "/nowhere/at/all"]) == 2
    with pytest.raises(ModelError):
        read_answer(capsys.readouterr().out)
    assert json.dumps(worker_command("env-probe", "a"))  # plain strings


def test_every_worker_has_its_arguments_and_its_main():
    from argparse import ArgumentParser
    from importlib import import_module

    for one in WORKERS.values():
        module = import_module(f"vp_tui.core.{one.module}")
        module.add_arguments(ArgumentParser())
        assert callable(module.main)
        assert module.__doc__
