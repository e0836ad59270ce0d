import re

import pytest

from vp_tui.core import errors
from vp_tui.core.errors import ExitCode, VpTuiError


def test_the_exit_codes_are_the_documented_ones():
    assert {code.name: int(code) for code in ExitCode} == {
        "GOOD": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "REGRESSED": 3,
        "VALIDATION_FAILED": 4,
        "NOT_COMPARABLE": 5,
        "INCONCLUSIVE": 6,
        "RUN_FAILED": 7,
        "STORE_UNAVAILABLE": 8,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 2),
        (errors.ModelError, 2),
        (errors.ResourceError, 7),
        (errors.RunFailedError, 7),
        (errors.RunNotFoundError, 2),
        (errors.StoreError, 8),
        (VpTuiError, 1),
    ],
)
def test_every_error_ends_the_process_with_its_own_code(error, code):
    assert error("text").exit_code == code


def test_the_tree_drawn_in_the_docstring_is_the_tree_that_exists():
    drawn = dict(re.findall(r"^      (\w+Error) .* exit (\d+)$", errors.__doc__, re.MULTILINE))
    assert drawn == {kind.__name__: str(int(kind.exit_code)) for kind in VpTuiError.__subclasses__()}
