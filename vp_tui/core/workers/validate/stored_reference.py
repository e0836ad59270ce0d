"""The stored reference of a run: is there one that fits, may it be used, and what is stored at the end."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.encode import ENGINE_VERSION
from vp_tui.core.events import ArmSummary
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.store import references
from vp_tui.core.store.references import EmbeddingsFile, Reference
from vp_tui.core.store.rows import as_row
from vp_tui.core.workers.validate.prepare import Prepared
from vp_tui.core.workers.validate.progress import Rates


class StoredReference:
    """Looks a reference up by content; `found` stays None when there is none or it must not be used."""

    def __init__(
        self, config: RunConfig, cache: Path, data: Prepared, weights_sha256: str, environment: Mapping[str, Any]
    ) -> None:
        self._config = config
        key = references.key_of(
            {
                "engine": ENGINE_VERSION,
                "weights": weights_sha256,
                "dataset": data.facts["sha256"],
                "tokenizer": data.facts["tokenizer"],
                "cuts": data.facts["cuts"],
                "precision": config.reference,
                "fault": config.fault,
                "token_budget": config.token_budget,
                "attention": environment["attention"]["reference"],
                "flags": environment["flags"]["reference"],
                **{name: environment[name] for name in ("device_name", "torch", "cuda", "threads")},
            }
        )
        self.path = references.path_of(cache, key)
        self.found: Reference | None = None

    def look_up(self) -> Iterator[str]:
        """Load it when it may be used; yields what the reader should know."""
        if self._config.fp32_compare:
            yield "the reference is encoded anew (--fp32-compare)"
            return
        if self._config.precision == self._config.reference:
            yield f"both arms run in {self._config.reference}: the reference is encoded anew beside the candidate"
            return
        try:
            self.found = references.load(self.path)
        except references.UNREADABLE as error:
            yield f"the stored reference {self.path} is damaged ({error}) and is made anew"
        if self.found is not None:
            yield (
                f"the reference comes from run {self.found.run_uuid[:8]}, which encoded the same data with the same "
                "weights; --fp32-compare encodes it anew"
            )

    @property
    def rates(self) -> Rates:
        """tokens/s per scope of the stored reference."""
        return self.found.strata if self.found is not None else {}

    def share_into(self, folder_file: Path) -> None:
        """Make the stored embeddings the run's own file too."""
        references.share(self.path, folder_file)

    def store(
        self, file: EmbeddingsFile, summary: ArmSummary, rates: Rates, *, noise: float | None, run_uuid: str, into: Path
    ) -> None:
        """Finish `file`, which becomes `into`, and keep it for later runs; one that is not finite is not kept."""
        facts = {
            "summary": as_row(summary),
            "strata": rates,
            "noise": noise,
            "run_uuid": run_uuid,
            "precision": summary.precision,
        }
        file.finish(facts)
        if finite_rows(file.embeddings_SD).all():
            references.share(into, self.path)
