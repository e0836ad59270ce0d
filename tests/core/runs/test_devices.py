"""What --devices and --ray may say, and what is refused before a run exists."""

import importlib.util

import pytest

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.runs.devices import INSTALL, Devices, parse, require


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("all", Devices("cuda", None, None)),
        ("1,0", Devices("cuda", (0, 1), 2)),
        ("cuda:0, cuda:3", Devices("cuda", (0, 3), 2)),
        ("2", Devices("cuda", (2,), 1)),
        ("cpu", Devices("cpu", None, 1)),
        ("cpu:4", Devices("cpu", None, 4)),
    ],
)
def test_devices_are_all_numbers_of_gpus_or_a_number_of_cpu_processes(text, devices):
    assert parse(text) == devices


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("0,0", "device 0 is named twice"),
        ("0,1,cuda:1", "device 1 is named twice"),
        ("cpu,0", "one kind"),
        ("cpu:1,cpu:1", "named twice"),
        ("all,0", "every device already"),
        ("", "0,1"),
        ("gpu0", "0,1"),
        ("cpu:0", "from 1 to"),
        ("-1", "0,1"),
        ("0,", "0,1"),
        ("²", "0,1"),
    ],
)
def test_other_devices_are_refused_with_what_is_wrong(text, named):
    with pytest.raises(UsageError, match=named):
        parse(text)


def config(**more):
    return RunConfig(model="esm2-8m", input="x.fasta", **more)


@pytest.mark.parametrize(
    "more",
    [
        {"devices": "cpu:2", "device": "cpu"},
        {"devices": "0,1", "ray": "auto"},
        {"devices": "cpu:2,0"},
    ],
)
def test_devices_that_contradict_each_other_are_refused(more):
    with pytest.raises(UsageError, match="--device"):
        require(config(**more))


@pytest.mark.parametrize("more", [{"devices": "cpu:2"}, {"devices": "0,1"}, {"ray": "auto"}])
def test_without_ray_several_devices_say_what_to_install(more, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        require(config(**more))
    assert INSTALL in str(caught.value)


@pytest.mark.parametrize("more", [{}, {"devices": "cpu:1"}, {"devices": "1"}, {"devices": "all"}])
def test_one_device_needs_no_ray(more, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    require(config(**more))
