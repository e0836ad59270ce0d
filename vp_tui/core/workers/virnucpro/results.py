"""What `vp-tui virnucpro` reads of a finished run, and the tables of predictions it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from vp_tui.core.errors import RunFailedError
from vp_tui.core.events import ARMS, Arm
from vp_tui.core.files import replacing
from vp_tui.core.store.checksum import EMBEDDINGS
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The results of a finished run; rows of one index belong together."""

    ids: tuple[str, ...]
    cosine_S: np.ndarray
    """NaN where a pair has none."""
    embeddings: Mapping[Arm, np.ndarray]
    """float32 [S, D]."""

    @property
    def width(self) -> int:
        return int(self.embeddings["reference"].shape[1])


def read_run(home: Home, run_id: int) -> RunResult:
    """Read ids, similarities and both arms' embeddings; rows are in the order of seq_idx.

    Raises:
        RunFailedError: the run is not complete, or its files and rows do not match.
        RunNotFoundError: no such run.
    """
    with Reader(home) as reader:
        run = reader.run(run_id)
        results = sorted(reader.worst_sequences(run_id, reader.count_results(run_id)), key=lambda row: row.seq_idx)
    if run.status != "completed":
        raise RunFailedError(f"run {run_id} is {run.status}, not completed; start it again")
    folder = home.run_folder(run.uuid)
    try:
        embeddings = {arm: load_file(folder / f"{arm}.safetensors")[EMBEDDINGS] for arm in ARMS}
    except (OSError, SafetensorError, KeyError) as error:
        raise RunFailedError(f"the embeddings in {folder} cannot be read: {error}; start the run again") from error
    sizes = {len(results), *(len(rows) for rows in embeddings.values())}
    if len(sizes) != 1 or [row.seq_idx for row in results] != list(range(len(results))):
        raise RunFailedError(
            f"run {run_id} has {len(results)} rows for {len(embeddings['reference'])} embeddings; start it again"
        )
    return RunResult(
        ids=tuple(row.sequence_id for row in results),
        cosine_S=np.array([np.nan if row.cosine is None else row.cosine for row in results]),
        embeddings=embeddings,
    )


def write_predictions(folder: Path, ids: Sequence[str], scores: Mapping[Arm, np.ndarray]) -> None:
    """Write reference.tsv and candidate.tsv in the columns of VirNucPro's prediction_results.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for arm, scores_S2 in scores.items():
        lines = ["Sequence_ID\tPrediction\tscore1\tscore2"]
        for name, (others, virus) in zip(ids, scores_S2.astype(np.float64).tolist(), strict=True):
            label = "virus" if virus > others else "others"
            lines.append(f"{name}\t{label}\t{others!r}\t{virus!r}")
        with replacing(folder / f"{arm}.tsv") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
