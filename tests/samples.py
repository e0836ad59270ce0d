"""Where the small real data of the tests lies."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
PROTEINS = DATA / "viral_proteins_40.faa"
"""40 real viral protein fragments, 20 to 1,022 residues."""
