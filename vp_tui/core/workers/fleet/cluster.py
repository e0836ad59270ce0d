"""Starts Ray on this machine, or joins a cluster, and makes one actor per device.

A Ray of ours has no dashboard and reports nothing to anyone; its folder and its processes end with the run.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch

from vp_tui.core import text as fmt
from vp_tui.core.engine.threads import NUM_THREADS
from vp_tui.core.errors import ResourceError, UsageError
from vp_tui.core.runs.devices import Devices, require_ray
from vp_tui.core.workers.fleet import reaper
from vp_tui.core.workers.fleet.actor import DeviceActor

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
ANSWER_SECONDS: Final = 10.0
"""For an address to answer."""
_ASK: Final = """
import sys
from ray._raylet import GcsClient
print(flush=True)
GcsClient(address=sys.argv[1])
"""
"""Ends well if the head of a cluster is at the address; writes a line before it asks."""
START_SECONDS: Final = 180.0
"""For the actors to start: each imports torch."""
OBJECT_BYTES: Final = 512 * 1024**2
"""Shared memory of our Ray: the tokens of a run, and the results on their way."""
QUIET: Final[Mapping[str, str]] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""No reports of use; none of Ray's own lines, of which a lost process writes ten to stdout beside our sentence; and
CUDA_VISIBLE_DEVICES stays as it is for an actor on a CPU."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU)


def threads_each(count: int) -> int:
    """Return the threads of each of `count` CPU devices on this machine."""
    given = os.environ.get(NUM_THREADS, "")
    total = int(given) if given.isdigit() else torch.get_num_threads()
    return max(1, total // count)


def used(asked: Devices) -> tuple[int, ...]:
    """Return the numbers of the devices on this machine.

    Raises:
        UsageError: torch does not see one of them.
    """
    if asked.kind == "cpu":
        return tuple(range(asked.count or 1))
    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    indices = tuple(range(seen)) if asked.indices is None else asked.indices
    missing = [index for index in indices if index >= seen]
    if missing:
        raise UsageError(
            f"--devices: cuda:{missing[0]} does not exist, torch {torch.__version__} sees {seen} CUDA devices; use "
            "lower numbers, all, or cpu:N"
        )
    if not indices:
        raise UsageError(f"--devices all: torch {torch.__version__} sees no CUDA device; use cpu:N")
    return indices


@contextmanager
def started(asked: Devices, address: str | None, tell: Callable[[str], None]) -> Iterator[Any]:
    """Yield the Fleet of the devices that were asked for; `tell` as in Fleet.

    Raises:
        UsageError: a device that does not exist, an address that does not answer, or Ray is not installed.
        ResourceError: the devices did not start.
    """
    require_ray()
    os.environ.update({name: text for name, text in QUIET.items() if name not in os.environ})
    with ExitStack() as stack:
        names = [f"{asked.kind}:{index}" for index in used(asked)] if address is None else None
        if names is not None:
            _start_here(asked, used(asked), stack)
        else:
            assert address is not None, "either here or at an address"
            _join(address, stack)
        yield _fleet(asked, names, tell, stack)


def _start_here(asked: Devices, indices: tuple[int, ...], stack: ExitStack) -> None:
    folder = tempfile.mkdtemp(prefix="vp-ray-", dir="/tmp" if os.path.isdir("/tmp") else None)
    stack.callback(_reaper(folder))
    given = os.environ.get(VISIBLE)
    changed = {reaper.MARK: folder}
    if asked.kind == "cuda":
        entries = given.split(",") if given else None
        changed[VISIBLE] = ",".join(entries[index].strip() if entries else str(index) for index in indices)
    with _environment(changed):
        _init(
            stack,
            address="local",
            num_cpus=len(indices),
            num_gpus=len(indices) if asked.kind == "cuda" else 0,
            object_store_memory=OBJECT_BYTES,
            _temp_dir=folder,
            include_dashboard=False,
        )


def _reaper(folder: str) -> Callable[[], None]:
    """Start the process that ends our Ray with the run; return how to have it do so now."""
    command = [sys.executable, "-P", "-m", reaper.__name__, folder]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def close() -> None:
        assert process.stdin is not None, "stdin is a pipe"
        process.stdin.close()
        process.wait()

    return close


@contextmanager
def _environment(changed: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _init(stack: ExitStack, **options: Any) -> None:
    """Start or join Ray, which takes signals over: those of the run stay as they were."""
    import ray

    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        stack.callback(ray.shutdown)
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _join(address: str, stack: ExitStack) -> None:
    """Join the cluster at `address`.

    Raises:
        UsageError: nothing answers there, or not Ray.
    """
    if address.startswith("ray://"):
        raise UsageError(f"--ray {address}: use HOST:PORT of the cluster's head, which `ray start` printed, or auto")
    if address != "auto":
        _require_answer(address)
    try:
        _init(stack, address=address)
    except (ConnectionError, RuntimeError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise UsageError(
            f"--ray {address}: Ray could not be joined ({why}); start it on this machine with "
            "`ray start --address=HEAD:PORT`, and use the same version of Ray everywhere"
        ) from error


def _require_answer(address: str) -> None:
    """Ask the head of the cluster within ANSWER_SECONDS; raises UsageError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--ray {address!r}: use HOST:PORT of the cluster's head, as in 10.0.0.1:6379, or auto")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _silent(address, getattr(error, "strerror", None) or str(error)) from error
    # Ray itself would ask for minutes, and cannot be interrupted
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _ASK, address], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout is not None, "stdout is a pipe"
        child.stdout.readline()
        try:
            code = child.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired as error:
            child.kill()
            raise _silent(address, "not as Ray does") from error
    if code != 0:
        raise _silent(address, "not as Ray does, or not to this user")


def _silent(address: str, why: str) -> UsageError:
    return UsageError(
        f"--ray {address}: nobody answers there within {fmt.limit(ANSWER_SECONDS)} s ({why}); start a cluster with "
        "`ray start --head`, or omit --ray to use this machine"
    )


def _fleet(asked: Devices, names: list[str] | None, tell: Callable[[str], None], stack: ExitStack) -> Any:
    """Make the actors, and wait until all of them answer."""
    import ray

    from vp_tui.core.workers.fleet.device import RayDevice
    from vp_tui.core.workers.fleet.fleet import Fleet

    count = len(names) if names is not None else _number_in_cluster(asked)
    threads = threads_each(count)
    needs: dict[str, Any] = {"num_cpus": 1, "num_gpus": 1 if asked.kind == "cuda" else 0}
    make: Any = ray.remote(DeviceActor)
    actors = [
        make.options(**needs, max_concurrency=2, scheduling_strategy="SPREAD").remote(asked.kind, threads)
        for _ in range(count)
    ]
    for actor in actors:
        stack.callback(ray.kill, actor)
    try:
        about = ray.get([actor.about.remote() for actor in actors], timeout=START_SECONDS)
    except ray.exceptions.RayError as error:
        raise ResourceError(
            f"the {count} devices did not start within {fmt.limit(START_SECONDS)} s "
            f"({str(error).strip().splitlines()[-1]}); vp-tui must be installed on every machine of the cluster"
        ) from error
    if names is None:
        names = [f"{one.node} {asked.kind}:{place}" for place, one in enumerate(about)]
    devices = [RayDevice(*each) for each in zip(names, actors, about, strict=True)]
    fleet = Fleet(devices, asked.kind, threads, tell)
    stack.callback(fleet.close)
    return fleet


def _number_in_cluster(asked: Devices) -> int:
    """Return how many devices the cluster has of those asked for; raises UsageError where it has too few."""
    import ray

    resource = "GPU" if asked.kind == "cuda" else "CPU"
    there = int(ray.cluster_resources().get(resource, 0))
    if there < (asked.count or 1):
        raise UsageError(
            f"--ray: the cluster has {there} {resource}s, {asked.count or 1} are needed; `ray status` lists them"
        )
    return asked.count or there
