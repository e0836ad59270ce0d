"""Documents and code agree: every command of README.md runs, every exit code, limit and link exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from vp_tui.core.errors import ExitCode
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.table import WITH_LIMITS
from vp_tui.core.report import document as run_document
from vp_tui.core.report import render, runs_export, virnucpro
from vp_tui.core.thresholds import read_thresholds
from vp_tui.tui import cli

ROOT = Path(__file__).parents[1]
MEASURES = (ROOT / "docs" / "measures.md").read_text()
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ ((?:eval \"\$\()?vp-tui\b.*)$", README, flags=re.MULTILINE)
NEEDS_A_TERMINAL = {"vp-tui"}
FAILS_ON_PURPOSE = {"vp-tui demo --fault bf16-layer --gates strict --no-tui": ExitCode.VALIDATION_FAILED}
OF_BOTH_MODELS = ("short", "medium", "long", "PASS  ")
JUDGES_CLOCKS = re.compile(r"--baseline|^vp-tui compare")
"""Runs on a machine that other work came to meanwhile really are slower: here accuracy alone is certain."""


@pytest.mark.long  # four to five minutes on two slow cores
@pytest.mark.timeout(1800)  # some twenty real processes, each importing torch, on cores shared with other tests
def test_every_command_of_the_readme_runs_in_the_order_it_is_shown(home, made_checkpoint, short_proteins, tmp_path):
    (tmp_path / "vp-tui").write_text(f'#!/bin/sh\nexec {sys.executable} -m vp_tui.tui.cli "$@"\n')
    (tmp_path / "vp-tui").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "MODEL": str(made_checkpoint()),
        "PROTEINS": str(short_proteins),
    }
    assert len(COMMANDS) > 10
    for command in COMMANDS:
        if command in NEEDS_A_TERMINAL:
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"{command}\n{done.stdout}\n{done.stderr}"
        if done.returncode == ExitCode.REGRESSED and JUDGES_CLOCKS.search(command):
            assert "accuracy is identical" in told or "--output" in command, told
            continue
        assert done.returncode == FAILS_ON_PURPOSE.get(command, ExitCode.GOOD), told
        for words in OF_BOTH_MODELS if command == "vp-tui demo --no-tui" else ():
            assert done.stdout.count(words) >= 2, words


def test_the_exit_codes_of_the_readme_are_those_of_the_code():
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert told == set(ExitCode)


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("# The run document", run_document),
        ("`vp-tui virnucpro --json`", virnucpro),
        ("`vp-tui compare --format json`", render),
        ("`vp-tui export --format json`", runs_export),
    ],
)
def test_the_schema_version_of_a_document_is_the_one_that_is_written(heading, written):
    _, _, text = (ROOT / "docs" / "run-document.md").read_text().partition(heading)
    told = re.search(r"`schema_version`(?:, `\w+`)*(?: s)?(?: \|)? (\d+)", text)
    assert int(told[1]) == written.SCHEMA_VERSION


@pytest.mark.parametrize("document", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_a_link_of_a_document_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", ["devices.md", "scale.md"])
def test_a_command_of_a_document_names_options_that_exist(document):
    commands, text = get_command(cli.app).commands, (ROOT / "docs" / document).read_text()
    for name, words in re.findall(r"^(?: {4}|\$ )?vp-tui ([a-z]+)\b(.*)$", text, flags=re.MULTILINE):
        known = {flag for option in commands[name].params for flag in option.opts}
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", words.partition("#")[0])) <= known, words


MISSES = {
    "below": "< {}", "at_or_below": "<= {}", "above": "> {}", "away_from_one": "more than {} from 1",
    "away_from_zero": "more than {} from 0",
}  # fmt: skip


def test_the_gates_of_the_measures_document_are_those_of_the_code():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in MEASURES.splitlines()]
    table = [(row[0], *row[2:]) for row in rows if len(row) == 5 and re.match(r"[A-Z]\d", row[0])]
    limits = [
        tuple(MISSES[gate.sense].format(f"{limit.value:g}") if limit else "" for limit in (gate.fail, gate.warn))
        for gate in WITH_LIMITS
    ]
    assert table == [(gate.id, gate.kind, *found) for gate, found in zip(WITH_LIMITS, limits, strict=True)]


def test_the_thresholds_file_of_the_measures_document_is_read(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", MEASURES, flags=re.DOTALL)[1])
    assert read_thresholds(path).fail(M1) == 0.995


def test_every_target_of_the_makefile_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^\$ |`)make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
