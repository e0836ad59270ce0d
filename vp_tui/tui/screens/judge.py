"""Modal form for a judged run: two sides that any program wrote, and their sequences."""

from functools import partial
from typing import ClassVar

from textual.content import Content

from vp_tui.tui.marks import lines, styled
from vp_tui.tui.messages import OpenRun
from vp_tui.tui.screens.form import FormScreen

_FACTS = (
    "Each side is a file or folder of embeddings (.npz, .safetensors, .npy, .pt, .h5, .parquet), a checkpoint, or a "
    "table of predictions. The FASTA file is needed where a side is a checkpoint or .npy."
)


class JudgeScreen(FormScreen):
    """Both sides are read before the run starts, which may take a while; the run is then shown on Live."""

    verb: ClassVar[str] = "Judge"
    busy: ClassVar[str] = "reading both sides ..."

    def title_words(self) -> str:
        return "Judge embeddings or predictions"

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        return (("reference", "reference *", ""), ("candidate", "candidate *", ""), ("fasta", "FASTA", ""))

    def facts(self) -> Content:
        return lines([styled(_FACTS, "dim")])

    def problem(self) -> str | None:
        for name in ("reference", "candidate"):
            if not self.value(name):
                return f"A {name} is required: a file, a folder or a checkpoint."
        return "The dashboard has no standard input: give a file." if self.value("fasta") == "-" else None

    def begin(self) -> None:
        sides = (self.value("reference"), self.value("candidate"))
        self.work(partial(self.backend.judge, *sides, self.value("fasta")), self._started)

    def _started(self, run_id: int) -> str:
        self.app.post_message(OpenRun(run_id))
        return f"judged as run #{run_id}"
