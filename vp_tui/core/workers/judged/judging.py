"""A judged run as a stream of events: open both sides, match, copy or encode, compare, judge.

Both sides are copied, in the order of the reference, to the files in which a run keeps its embeddings. From there on
everything reads memory-mapped files in pieces, so that memory does not grow with the number of embeddings.
"""

import hashlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any, Final

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA, plain_plan
from vp_tui.core.engine import environment
from vp_tui.core.errors import InputError
from vp_tui.core.events import ARMS, AlertRaised, Arm, Event, Progress, RunPlanned, now_us
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.measurements import merged
from vp_tui.core.measures.run_measures import NO_STRATUM
from vp_tui.core.measures.selection import chunks, evenly
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.store.references import EmbeddingsFile
from vp_tui.core.workers.embed import embed_set
from vp_tui.core.workers.judged.data import JudgedData, copy_rows, data_facts, judged_arm, judged_data
from vp_tui.core.workers.judged.faults import look
from vp_tui.core.workers.judged.outcome import ANOTHER, NO_RATES, JudgedOutcome
from vp_tui.core.workers.judged.sides import Sides, checkpoint_of, opened
from vp_tui.core.workers.validate.plan import Setting, note, phase
from vp_tui.core.workers.validate.prepare import Block
from vp_tui.core.workers.validate.tally import Tally

BLOCKS: Final = 100
"""A large set is compared in about as many blocks, each of which the screens show."""
MIN_BLOCK: Final = 1024
_DIGEST_ROWS: Final = 4096


def judge(setting: Setting) -> Generator[Event, None, None]:
    """Run to the end.

    Raises:
        InputError, ModelError, UsageError, ResourceError: as sides.opened, embed.embed_set and EmbeddingsFile.
    """
    config = setting.config
    yield phase("reading", "ids")
    found = opened(config)
    data = judged_data(config, found)
    with ExitStack() as stack:
        made: dict[Arm, np.ndarray] = {}
        if found.encoded is not None:
            yield phase("encoding", f"{fmt.plural(len(data.ids), 'sequence')} in fp32")
            alerts: list[Event] = []
            made[found.encoded] = _encoded(setting, data, alerts)
            yield from alerts
        files: dict[Arm, EmbeddingsFile] = {}
        for arm in ARMS:
            yield phase("reading", f"embeddings of the {arm}")
            width = found.width or made[arm].shape[1]
            files[arm] = EmbeddingsFile(setting.place.folder / f"{arm}.safetensors", len(data.ids), width)
            stack.callback(files[arm].discard)
            yield from _filled(files[arm], found, data, arm, made)
        digest = _digest(data, files["reference"].embeddings_SD)
        yield _planned(setting, found, data, digest)
        yield from _notes(found, data)
        yield from _compared(setting, found, data.hashed(files["reference"].embeddings_SD), files)


def _encoded(setting: Setting, data: JudgedData, alerts: list[Event]) -> np.ndarray:
    """Encode the sequences in FP32; the engine's notes go to `alerts`."""
    assert data.sequences is not None, "a checkpoint comes with sequences"
    fp32 = setting.config.model_copy(update={"model": checkpoint_of(setting.config), "precision": "fp32"})
    made = embed_set(fp32, data.sequences, lambda text: alerts.append(note("input", text)), setting.place.cache)
    return made.embeddings_SD


def _filled(
    file: EmbeddingsFile, found: Sides, data: JudgedData, arm: Arm, made: dict[Arm, np.ndarray]
) -> Iterator[Event]:
    if arm in made:
        if made[arm].shape != file.embeddings_SD.shape:
            raise _widths(made[arm].shape[1], file.embeddings_SD.shape[1])
        file.embeddings_SD[:] = made.pop(arm)
        return
    table = found.tables[arm]
    shown = 0
    for read in copy_rows(table, data.rows[arm], file.embeddings_SD):
        if read - shown >= table.shape[0] / 20:
            shown = read
            yield phase("reading", f"embeddings of the {arm}, {fmt.percent(read / table.shape[0])}")


def _widths(model: int, file: int) -> InputError:
    return InputError(
        f"embeddings of two widths cannot be compared: the checkpoint makes {model} numbers, the file has {file}"
    )


def _digest(data: JudgedData, x_SD: np.ndarray) -> str:
    """Return a hash of ids and reference, which stands for weights and sequences of which nothing is known."""
    found = hashlib.sha256("\n".join(data.ids).encode())
    found.update(np.ascontiguousarray(x_SD[evenly(len(x_SD), _DIGEST_ROWS)]).data.cast("B"))
    return found.hexdigest()


def _planned(setting: Setting, found: Sides, data: JudgedData, digest: str) -> RunPlanned:
    config = setting.config
    kernels = {arm: "this engine, fp32" if arm == found.encoded else ANOTHER for arm in ARMS}
    return RunPlanned(
        total=len(data.ids),
        planned=data.planned,
        dataset=data_facts(config, data, found, digest),
        model=_model(setting, found, digest),
        environment={
            **environment.facts(setting.device, setting.device_reason),
            "flags": dict.fromkeys(ARMS),
            "attention": kernels,
            "schedule": "two sets of embeddings",
        },
    )


def _model(setting: Setting, found: Sides, digest: str) -> dict[str, Any]:
    """Return facts of the checkpoint, if one side is one, and of both files."""
    files = {
        side: {"path": str(table.path), "layout": table.layout, "stored": table.stored, "embeddings": table.shape[0]}
        for side, table in found.tables.items()
    }
    if found.encoded is None:
        path = found.tables["reference"].path
        names = {"name": path.name, "given": str(path), "kind": "embeddings"}
        return {**names, "hidden": found.width, "weights_sha256": digest, "files": files}
    given = checkpoint_of(setting.config)
    source = fetch(resolve(given, trust_remote_code=setting.config.trust_remote_code))
    spec = read_spec(source.path, source.name)
    return {**environment.model_facts(spec, source, given, weights_sha256(source.path)), "files": files}


def _notes(found: Sides, data: JudgedData) -> Iterator[AlertRaised]:
    for text in data.matching.notes:
        yield AlertRaised(at_us=now_us(), kind="input", severity="warn", message=text)
    if found.encoded != "reference":
        yield note("reference", "another program computed the reference: nothing here proves that it is exact FP32")
    if found.lengths_S is None:
        yield note("input", "no lengths are known, so that nothing is reported by length; give the FASTA file with -i")


def _compared(
    setting: Setting, found: Sides, data: JudgedData, files: dict[Arm, EmbeddingsFile]
) -> Generator[Event, None, None]:
    """Compare block by block, then measure the whole and finish."""
    config = setting.config
    yield phase("comparing", f"{len(data.ids)} pairs of embeddings")
    reference = judged_arm(plain_plan(config.reference), files["reference"].embeddings_SD)
    candidate = judged_arm(plain_plan(config.precision), files["candidate"].embeddings_SD)
    tally = Tally(data, config.thresholds)
    for block in blocks_of(data):
        tally.compare(block, reference.embeddings_SD, candidate)
        yield tally.compared(block, candidate, tally.strata(candidate, NO_RATES))
        yield from tally.alerts(block, candidate)
        yield Progress(at_us=now_us(), done=tally.done, total=len(data.ids), eta_s=None)
    yield from tally.unnamed()
    outcome = JudgedOutcome(
        setting=setting, sides=found, data=data, reference=reference, candidate=candidate, tally=tally
    )
    yield phase("measuring", f"{len(data.ids)} pairs of embeddings")
    measured = outcome.measured()
    yield phase("measuring", "known faults of pipelines")
    measured = merged([measured, look(setting, found, data, reference, candidate)])
    yield phase("storing", "embeddings")
    for arm in ARMS:
        plan = (reference if arm == "reference" else candidate).plan
        files[arm].finish({"precision": plan.name, "run_uuid": setting.place.run_uuid})
    yield outcome.finished(measured)


def blocks_of(data: JudgedData) -> Iterator[Block]:
    """Return the sequences in blocks of one stratum each."""
    size = max(MIN_BLOCK, -(-len(data.ids) // BLOCKS))
    index = 0
    for stratum in (NO_STRATUM, *range(len(STRATA))):
        members_S = np.flatnonzero(data.stratum_S == stratum)
        for part in chunks(len(members_S), size):
            yield Block(index=index, stratum=stratum, indices_S=members_S[part])
            index += 1
