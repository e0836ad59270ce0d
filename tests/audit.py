"""The part on advisories of `make check`: fails for a pinned version with a known vulnerability.

Whether there is an answer depends on the network and the package index. Without one the check says so in a sentence and
passes: a clone without a network must be able to check itself.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PINNED = Path(__file__).parents[1] / "constraints.txt"
SECONDS = 30
"""For all questions together."""
COMMAND = (
    sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off",
    "--timeout", "5", "-r",
)  # fmt: skip


def audit(command: Sequence[str], seconds: float = SECONDS) -> tuple[bool | None, str]:
    """Return whether the versions that `command` asks about pass, None without an answer, and what to tell."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        packages = json.loads(ended.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return None, f"advisories: not checked, the index gave no answer within {seconds} s"
    except (ValueError, KeyError, TypeError):
        return None, "advisories: not checked, the index has none or cannot be reached"
    audited = [one for one in packages if "skip_reason" not in one]
    if not audited:
        return None, "advisories: not checked, the index has none"
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {' or '.join(flaw['fix_versions']) or 'no version'}"
        for one in audited
        for flaw in one["vulns"]
    ]
    return not found, "\n".join([*found, f"advisories: {len(found)} for {len(audited)} of {len(packages)} packages"])


def main() -> int:
    """Ask about pip alone, then about all: an index without advisories is not asked a hundred times."""
    if importlib.util.find_spec("pip_audit") is None:
        sys.stdout.write("advisories: not checked, pip-audit is not installed (it is in the group dev)\n")
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(line for line in PINNED.read_text().splitlines(keepends=True) if line.startswith("pip=="))
        file.flush()
        is_good, sentence = audit([*COMMAND, file.name], 10)
    if is_good is not None:
        is_good, sentence = audit([*COMMAND, str(PINNED)])
    sys.stdout.write(f"{sentence}\n")
    return int(is_good is False)


if __name__ == "__main__":
    sys.exit(main())
