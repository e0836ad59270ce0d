"""What a run writes into its log."""

import logging

import pytest

from vp_tui.core.events import AlertRaised, PhaseChanged
from vp_tui.core.workers.validate.run import _log


@pytest.mark.parametrize(
    ("severity", "level"), [("info", logging.INFO), ("warn", logging.WARNING), ("fail", logging.WARNING)]
)
def test_only_an_alert_that_warns_or_fails_warns_in_the_log(severity, level, caplog):
    caplog.set_level(logging.INFO)
    _log(AlertRaised(at_us=1, kind="model", severity=severity, message="weights"))
    assert [record.levelno for record in caplog.records] == [level]


def test_a_step_is_named_once(caplog):
    caplog.set_level(logging.INFO)
    _log(PhaseChanged(at_us=1, phase="reading", detail="reading the weights"))
    _log(PhaseChanged(at_us=2, phase="storing"))
    assert [record.message for record in caplog.records] == ["reading the weights", "storing"]
