"""`vp-tui embed -o FOLDER/`: embeddings of inputs of any size, one file per window, within bounded memory.

One thread reads and tokenizes the next window while the devices encode this one, and another writes the last one. So
that none of several devices waits, they begin the next window with the last packed batches of this one. Each step waits
for the one after it: at most four windows of sequences and three of embeddings are held (on one device three and two),
whatever the input has.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from itertools import chain
from typing import Any

import numpy as np
import torch

from vp_tui import __version__
from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.engine.encode import ENGINE_VERSION
from vp_tui.core.engine.queueing import delayed_across
from vp_tui.core.errors import ExitCode, InputError, VpTuiError
from vp_tui.core.files import size_of, user_path
from vp_tui.core.fingerprint import format_of
from vp_tui.core.inputs import compatibility, sequences, tokenizing
from vp_tui.core.inputs.embeddings.extra import require
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.inputs.token_processes import TokenProcesses
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
from vp_tui.core.workers.embedder import Embedder, Report, loaded
from vp_tui.core.workers.fleet.choice import choose
from vp_tui.core.workers.validate.prepare import UNKNOWN_SHARE
from vp_tui.core.workers.windows_in_work import Filling, Ready, Successive, ahead

Tokenize = Callable[[SequenceSet], TokenSet]


class Job:
    """What one process does to its share of the input."""

    def __init__(self, config: RunConfig, options: argparse.Namespace, report: Report) -> None:
        """Raises ModelError: the checkpoint. UsageError: the extra `files` is missing."""
        self._config, self._report = config, report
        self._share = share.parse(options.shard, {})
        self._format, self._store = FORMATS[options.format], STORED[options.store]
        require(self._format.package, user_path(options.output))
        self._chosen = choose(config)
        self._source = fetch(resolve(config.model, trust_remote_code=config.trust_remote_code))
        self._spec: ModelSpec = read_spec(self._source.path, self._source.name)
        self._home = Home.from_environment(os.environ)
        self._input = user_path(config.input)
        self._windows = Windows(self._input, int(options.per_file))
        self.fresh = Manifest(identity=self._identity(options), about={}, environments=())

    def _identity(self, options: argparse.Namespace) -> dict[str, Any]:
        return {
            "input_bytes": size_of(self._input),
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
        with self._tokenizing() as tokenize, ThreadPoolExecutor(1) as reader:
            windows = ahead(self._ready(folder, tokenize), reader)
            first = next(windows, None)
            if first is not None:
                with loaded(self._config, self._source, self._chosen, self._report) as model:
                    self._begin(folder, model, first)
                    windows = chain([first], windows)
                    # or its memory would be held to the end
                    del first
                    self._embed(folder, model, windows)
        if not folder.done:
            folder.begin(self._versions())
        found = self._windows
        cleaned = asdict(found.cleaned)
        folder.finish(
            Read(sha256=found.input_sha256, sequences=found.sequences, windows=found.windows, cleaned=cleaned)
        )

    def _embed(self, folder: Folder, model: Embedder, windows: Iterator[Ready]) -> None:
        """Encode the windows, and write the file of each as soon as all of its blocks are there."""
        width = self._spec.hidden
        fillings = (
            Filling(ready=ready, embeddings_SD=np.empty((len(ready.data), width), self._store)) for ready in windows
        )
        started = ((filling, model.start(filling.ready.tokens, filling.ready.stratum_S)) for filling in fillings)
        with Successive() as writer:
            for filling, running in delayed_across(started, model.ahead):
                filling.take(running.finish())
                if filling.is_full:
                    writer.start(partial(self._write, folder, filling))
                    self._record_lost(folder, model)

    def _record_lost(self, folder: Folder, model: Embedder) -> None:
        lost = ", ".join(model.lost)
        if lost != folder.manifest.environments[-1].get("lost_devices", ""):
            folder.add_facts({"lost_devices": lost})

    @contextmanager
    def _tokenizing(self) -> Iterator[Tokenize]:
        """Yield what turns a window into tokens; BPE has processes of its own."""
        folder = self._source.path
        if self._spec.kind == "dnabert-s":
            with TokenProcesses(folder, self._spec.vocab_size) as processes:
                yield lambda data: processes.tokenize(data.residues)
        else:
            trusts = self._config.trust_remote_code
            yield lambda data: tokenizing.tokenize(self._spec, folder, data, None, trust_remote_code=trusts)

    def _ready(self, folder: Folder, tokenize: Tokenize) -> Iterator[Ready]:
        """Yield the windows of this share that have no file yet, tokenized."""
        for window in self._windows:
            done = folder.done.get(window.index)
            if done is not None and done.input_sha256 != window.input_sha256:
                raise InputError(
                    f"{self._input} has changed since {folder.path} was begun: its first {self._windows.sequences} "
                    "sequences are others; embed it into another folder"
                )
            if done is None and self._share.has(window.index):
                yield self._tokenized(window, tokenize)

    def _tokenized(self, window: Window, tokenize: Tokenize) -> Ready:
        data = window.sequences
        try:
            alphabet = compatibility.require(self._spec, data)
        except InputError as error:
            first = self._windows.sequences - len(data) + 1
            raise InputError(f"sequences {first} to {self._windows.sequences}: {error}") from error
        return Ready(window=window, data=data, tokens=tokenize(data), alphabet=alphabet)

    def _begin(self, folder: Folder, model: Embedder, ready: Ready) -> None:
        """Record where the job runs; a job that is continued on devices of the same name keeps its budget."""
        for note in ready.tokens.notes:
            self._report(note)
        model.prepare(int(ready.tokens.lengths_S.max()))
        last = folder.manifest.environments[-1] if folder.manifest.environments else {}
        same = last.get("device_name") == model.facts["device_name"] and self._config.token_budget == "auto"
        if same and last.get("token_budget") is not None:
            model.facts["token_budget"] = last["token_budget"]
        folder.begin(self._versions() | model.facts)

    def _write(self, folder: Folder, filling: Filling) -> None:
        ready, index = filling.ready, filling.ready.window.index
        data, tokens = ready.data, ready.tokens
        written = WrittenFile(
            index=index, name=f"part-{index:09d}{self._format.suffix}", bytes=0, sha256="", sequences=len(data),
            letters=int(data.lengths_S.sum()), tokens=int(tokens.lengths_S.sum()), alphabet=ready.alphabet,
            tokenizer=tokens.tokenizer, input_sha256=ready.window.input_sha256,
            counts=_counts(ready) | ({"not_finite": filling.broken} if filling.broken else {}),
        )  # fmt: skip
        rows = Rows(
            ids=data.ids, lengths_S=data.lengths_S, hash_S=data.hash_S, embeddings_SD=filling.embeddings_SD,
            precision=self._config.precision, alphabet=ready.alphabet,
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
                here = environment.facts(*self._chosen[:2])
                return policy.decide(self._config.precision, self._config.model, validations, here).document()
        except VpTuiError as error:
            return f"it could not be read: {error}"


def _with_about(manifest: Manifest, about: dict[str, Any]) -> Manifest:
    return Manifest(identity=manifest.identity, about=about, environments=manifest.environments)


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
    if not total:
        embed.say(
            "the input has fewer files than shards, so none falls to this one; --per-file makes more, smaller ones"
        )
    for name, count in counts.items():
        embed.say(f"{name.replace('_', ' ')}: {count}")
    unknown = counts.get("unknown_letters", 0) - counts.get("end_in_stop", 0)
    if unknown > UNKNOWN_SHARE * letters:
        embed.say(
            f"{fmt.percent(unknown / letters)} of the residues are unknown to the model: embeddings of such sequences "
            "say little; check the file and its alphabet"
        )
