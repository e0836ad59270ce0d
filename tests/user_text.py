"""What a user can read: sentences in the code, --help of every command, README and docs.

A sentence in the code is a string of at least two words that is no docstring. f-strings are joined, with {} for values.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vp_tui"
# SQL, migrations and regular expressions are no sentences, however many blanks they have
NOT_READ = ("migrations/versions/", "core/store/tables.py", "core/store/event_rows.py")
CODE = re.compile(r"```.*?```|`[^`\n]*`|<!--.*?-->", re.DOTALL)


def sentences_of_code():
    """(file:line, words) of every sentence."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(NOT_READ):
            tree = ast.parse(path.read_text())
            yield from ((f"{name}:{line}", words) for line, words in _strings(tree) if " " in words.strip())


def _strings(tree):
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            words = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, words
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def paragraphs_of_docs():
    """(file:line, words) of every line of README and docs, without code."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        prose = CODE.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())
        for number, line in enumerate(prose.splitlines(), start=1):
            if line.strip():
                yield f"{path.name}:{number}", line


def help_pages():
    """(command, words) of --help of the program and of every command, a line each."""
    import typer
    from typer.testing import CliRunner

    from vp_tui.tui.cli import app

    pages = [((), typer.main.get_command(app))]
    while pages:
        path, command = pages.pop()
        pages += [((*path, name), one) for name, one in getattr(command, "commands", {}).items()]
        shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, path
        yield from ((f"vp-tui {' '.join(path)} --help".replace("  ", " "), line) for line in shown.output.splitlines())


def counted_nouns(nouns):
    """(file:line, words) of every f-string that writes a value and then one of the plural nouns, except `of 3 runs`."""
    plural = re.compile(rf"\{{\}} (?:more )?(?:{'|'.join(nouns)})\b")
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.JoinedStr):
                continue
            words = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            for found in plural.finditer(words):
                if not words[: found.start()].endswith((" of ", "{} of ", "-> ", "/")):
                    yield f"{name}:{node.lineno}", words
