"""The front end of VirNucPro: contigs to chunks, frames, both models, merged vectors and labels."""
