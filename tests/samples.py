"""Where the small real data of the tests lies."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
PROTEINS = DATA / "viral_proteins_40.faa"
"""40 real viral protein fragments, 20 to 1,022 residues."""
READS = DATA / "viral_reads_60.fna"
"""60 real viral reads, 20 each of 150, 300 and 500 bases."""
CONTIGS = DATA / "contigs_12.fna"
"""12 real metagenome contigs, 76 to 6,988 bases."""
PUBLISHED_PROTEINS = DATA / "published_proteins.faa"
"""3 synthetic proteins with public FP32 embeddings by ESM-2 3B."""
PUBLISHED_READS = DATA / "published_reads.fna"
"""2 synthetic reads with public FP32 embeddings by DNABERT-S."""
