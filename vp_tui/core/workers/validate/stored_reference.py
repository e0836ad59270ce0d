"""The cached reference of a run: looked up by content at the start, stored at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.encode import ENGINE_VERSION
from vp_tui.core.events import ArmSummary
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.runs import cached_reference
from vp_tui.core.store import references
from vp_tui.core.store.references import EmbeddingsFile, Reference
from vp_tui.core.store.rows import as_row
from vp_tui.core.workers.validate.prepare import Prepared
from vp_tui.core.workers.validate.throughput import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReference:
    """The reference to use instead of encoding one, and the file for the next run."""

    path: Path
    found: Reference | None
    """None when there is none or it must not be used."""
    note: str | None
    """A sentence for the record of the run."""

    @property
    def rates(self) -> Rates:
        """Return tokens/s per scope of the stored reference."""
        return self.found.strata if self.found is not None else {}

    def share_into(self, folder_file: Path) -> str | None:
        """Make the stored embeddings the run's own file, too; return a note when that failed."""
        return _shared(self.path, folder_file)

    def store(
        self, file: EmbeddingsFile, summary: ArmSummary, rates: Rates, *, noise: float | None, run_uuid: str, into: Path
    ) -> str | None:
        """Finish `file`, which becomes `into`, and cache it for later runs unless a value is not finite.

        Return a note when it could not be cached: no run fails for the sake of later ones.
        """
        facts = {
            "summary": as_row(summary),
            "strata": rates,
            "noise": noise,
            "run_uuid": run_uuid,
            "precision": summary.precision,
        }
        file.finish(facts)
        if finite_rows(file.embeddings_SD).all():
            return _shared(into, self.path)
        return None


def _shared(source: Path, target: Path) -> str | None:
    try:
        references.share(source, target)
    except OSError as error:
        return f"the reference could not be kept as {target} ({error.strerror}); the results are not affected"
    return None


def look_up(
    config: RunConfig, cache: Path, data: Prepared, weights_sha256: str, environment: Mapping[str, Any]
) -> StoredReference:
    """Load the cached reference of this content when there is one and it may be used."""
    content = cached_reference.content(
        config, data.facts, environment, engine=ENGINE_VERSION, weights_sha256=weights_sha256
    )
    path = references.path_of(cache, references.key_of(content))
    found: Reference | None = None
    note = cached_reference.why_recomputed(config.precision, config)
    if note is None:
        try:
            found = references.load(path)
        except references.UNREADABLE as error:
            note = f"Cached reference {path} is corrupt ({error}); recomputing it."
    if found is not None:
        note = (
            f"Using the cached reference of run {found.run_uuid[:8]} (same data, same weights); --fp32-compare "
            "recomputes it."
        )
    return StoredReference(path=path, found=found, note=note)
