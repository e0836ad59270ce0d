"""`vp-tui embed -o FOLDER/`: embeddings of inputs of any size, one file per window, within bounded memory.

One thread reads and tokenizes the next window while the device encodes this one; a file is written before the next
window is encoded. What is held is two windows of sequences and one of embeddings, whatever the input has.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vp_tui import __version__
from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.engine.encode import ENGINE_VERSION
from vp_tui.core.errors import ExitCode, InputError, VpTuiError
from vp_tui.core.files import user_path
from vp_tui.core.fingerprint import format_of, sequence_hash
from vp_tui.core.inputs import compatibility, sequences, tokenizing
from vp_tui.core.inputs.embeddings.extra import require
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import Alphabet, ModelSpec, default_cuts, read_spec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.runs import policy
from vp_tui.core.shards import share
from vp_tui.core.shards.folder import Folder, opened
from vp_tui.core.shards.manifest import SHARD, Manifest, Read, WrittenFile, total_counts
from vp_tui.core.shards.tables import FORMATS, STORED, Rows
from vp_tui.core.shards.windows import LETTERS, Window, Windows
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.workers import embed
from vp_tui.core.workers.embed import Report
from vp_tui.core.workers.validate.prepare import UNKNOWN_SHARE
from vp_tui.core.workers.window_encoder import OneDevice, WindowEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A window that can be encoded."""

    window: Window
    data: SequenceSet
    tokens: TokenSet
    alphabet: Alphabet


class Job:
    """What one process does to its share of the input."""

    def __init__(self, config: RunConfig, options: argparse.Namespace, report: Report) -> None:
        """Raises ModelError: the checkpoint. UsageError: the extra `files` is missing."""
        self._config, self._report = config, report
        self._share = share.parse(options.shard, {})
        self._format, self._store = FORMATS[options.format], STORED[options.store]
        require(self._format.package, user_path(options.output))
        self._source = fetch(resolve(config.model, trust_remote_code=config.trust_remote_code))
        self._spec: ModelSpec = read_spec(self._source.path, self._source.name)
        self._home = Home.from_environment(os.environ)
        self._input = user_path(config.input)
        self._windows = Windows(self._input, int(options.per_file))
        self.fresh = Manifest(identity=self._identity(options), about={}, environments=())

    def _identity(self, options: argparse.Namespace) -> dict[str, Any]:
        return {
            "input_bytes": _bytes(self._input),
            "weights_sha256": weights_sha256(self._source.path, self._home.cache),
            "precision": format_of(self._config.candidate_plan),
            "attention": self._config.attention,
            "engine": ENGINE_VERSION,
            "per_file": int(options.per_file),
            "letters_per_file": LETTERS,
            "format": options.format,
            "stored": options.store,
            SHARD: str(self._share),
        }

    def run(self, folder: Folder) -> None:
        """Make the files that are missing, and the manifest.

        Raises:
            InputError: the input, or one that changed since the job began. ResourceError: the disk or the device.
        """
        if not folder.manifest.about:
            folder.manifest = _with_about(folder.manifest, self._about())
        encoder: WindowEncoder | None = None
        with ThreadPoolExecutor(1) as reader:
            for ready in _ahead(self._ready(folder), reader):
                if encoder is None:
                    encoder = self._begun(folder, ready)
                self._encode(folder, encoder, ready)
        if encoder is None and not folder.done:
            folder.begin(self._versions())
        found = self._windows
        cleaned = asdict(found.cleaned)
        folder.finish(
            Read(sha256=found.input_sha256, sequences=found.sequences, windows=found.windows, cleaned=cleaned)
        )

    def _ready(self, folder: Folder) -> Iterator[Ready]:
        """Yield the windows of this share that have no file yet, tokenized."""
        for window in self._windows:
            done = folder.done.get(window.index)
            if done is not None and done.input_sha256 != window.input_sha256:
                raise InputError(
                    f"{self._input} has changed since {folder.path} was begun: its first {self._windows.sequences} "
                    "sequences are others; embed it into another folder"
                )
            if done is None and self._share.has(window.index):
                yield self._tokenized(window)

    def _tokenized(self, window: Window) -> Ready:
        data = window.sequences
        try:
            alphabet = compatibility.require(self._spec, data)
        except InputError as error:
            first = self._windows.sequences - len(data) + 1
            raise InputError(f"sequences {first} to {self._windows.sequences}: {error}") from error
        trusts = self._config.trust_remote_code
        tokens = tokenizing.tokenize(self._spec, self._source.path, data, None, trust_remote_code=trusts)
        return Ready(window=window, data=data, tokens=tokens, alphabet=alphabet)

    def _begun(self, folder: Folder, ready: Ready) -> WindowEncoder:
        """Load the model and record where it runs; a job that is continued on the same device keeps its budget."""
        encoder: WindowEncoder = OneDevice(self._config, self._source, self._report)
        for note in ready.tokens.notes:
            self._report(note)
        encoder.prepare(int(ready.tokens.lengths_S.max()))
        last = folder.manifest.environments[-1] if folder.manifest.environments else {}
        same = last.get("device_name") == encoder.facts["device_name"] and self._config.token_budget == "auto"
        if same and last.get("token_budget") is not None:
            encoder.facts["token_budget"] = last["token_budget"]
        folder.begin(self._versions() | encoder.facts)
        return encoder

    def _encode(self, folder: Folder, encoder: WindowEncoder, ready: Ready) -> None:
        data, tokens = ready.data, ready.tokens
        stratum_S = sequences.strata_of(data.lengths_S, default_cuts(ready.alphabet))
        embeddings_SD = np.empty((len(data), encoder.width), self._store)
        broken = 0
        for block in encoder.blocks(tokens, stratum_S):
            # FP16 has nothing above 65,504: such a value is stored as Inf, and counted
            with np.errstate(over="ignore"):
                stored_SD = block.embeddings_SD.astype(self._store)
            broken += int((~np.isfinite(stored_SD).all(axis=1)).sum())
            embeddings_SD[block.seq_indices_S] = stored_SD
        index = ready.window.index
        written = WrittenFile(
            index=index, name=f"part-{index:09d}{self._format.suffix}", bytes=0, sha256="", sequences=len(data),
            letters=int(data.lengths_S.sum()), tokens=int(tokens.lengths_S.sum()), alphabet=ready.alphabet,
            tokenizer=tokens.tokenizer, input_sha256=ready.window.input_sha256,
            counts=_counts(ready) | ({"not_finite": broken} if broken else {}),
        )  # fmt: skip
        rows = Rows(
            ids=data.ids, lengths_S=data.lengths_S,
            hash_S=np.array([sequence_hash(letters) for letters in data.residues], np.int64),
            embeddings_SD=embeddings_SD, precision=self._config.precision, alphabet=ready.alphabet,
        )  # fmt: skip
        folder.add(written, lambda path: self._format.write(path, rows))

    def _versions(self) -> dict[str, Any]:
        packages = ("numpy", "tokenizers", self._format.package)
        return {"vp-tui": __version__, "torch": torch.__version__} | {name: version(name) for name in packages}

    def _about(self) -> dict[str, Any]:
        return {
            "input": str(self._input.absolute()),
            "model": self._config.model,
            "plan": self._config.candidate_plan.model_dump(mode="json"),
            "policy": self._policy(),
            "ids": "unique within a file; between files they are not compared",
        }

    def _policy(self) -> dict[str, Any] | str:
        """Return what `vp-tui policy` says now of this precision on this machine, or why it says nothing."""
        plan = self._config.candidate_plan
        if plan.precision == "fp32" and plan.is_plain:
            return "fp32 needs no validation"
        if not self._home.database.exists():
            return "no runs are stored on this machine"
        try:
            with Reader(self._home) as reader:
                identity = self.fresh.identity["weights_sha256"]
                validations = policy.validations(reader, plan, self._source, identity)
                here = environment.facts(*environment.resolve_device(self._config.device))
                return policy.decide(self._config.precision, self._config.model, validations, here).document()
        except VpTuiError as error:
            return f"it could not be read: {error}"


def _with_about(manifest: Manifest, about: dict[str, Any]) -> Manifest:
    return Manifest(identity=manifest.identity, about=about, environments=manifest.environments)


def _bytes(path: Path) -> int | None:
    """Return the size of the input; None for a file that is not there, which reading it reports."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _ahead(items: Iterator[Ready], executor: Executor) -> Iterator[Ready]:
    """Yield the items in order; the next one is made in the executor's thread meanwhile."""
    coming = executor.submit(next, items, None)
    while (ready := coming.result()) is not None:
        coming = executor.submit(next, items, None)
        yield ready


def _counts(ready: Ready) -> dict[str, int]:
    """Return what reading and tokenizing changed, by kind; kinds without any are left out."""
    data, tokens = ready.data, ready.tokens
    found = {
        "duplicate_ids_renamed": data.renamed,
        "truncated": tokens.truncated,
        "unknown_letters": tokens.unknown,
        "lower_case_letters": tokens.lower_case,
        "rna_letters": tokens.rna,
        "end_in_stop": sum(residues.endswith(b"*") for residues in data.residues),
        "other_alphabet": sequences.foreign(data, ready.alphabet),
    }
    return {name: count for name, count in found.items() if count}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    embed.add_arguments(parser)
    for name in ("shard", "format", "store", "per-file"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--resume", action="store_true")


def main(options: argparse.Namespace) -> int:
    output = user_path(options.output)
    job = Job(embed.config_of(options), options, embed.say)
    with opened(output, job.fresh, resume=options.resume, report=embed.say) as folder:
        job.run(folder)
        _tell(folder)
    return ExitCode.GOOD


def _tell(folder: Folder) -> None:
    manifest = folder.manifest
    counts = total_counts(manifest.files)
    letters, total = sum(one.letters for one in manifest.files), sum(one.sequences for one in manifest.files)
    embed.say(f"{folder.path}: {total} embeddings in {len(manifest.files)} files, shard {manifest.identity[SHARD]}")
    for name, count in counts.items():
        embed.say(f"{name.replace('_', ' ')}: {count}")
    unknown = counts.get("unknown_letters", 0) - counts.get("end_in_stop", 0)
    if unknown > UNKNOWN_SHARE * letters:
        embed.say(
            f"{fmt.percent(unknown / letters)} of the residues are unknown to the model: embeddings of such sequences "
            "say little; check the file and its alphabet"
        )
