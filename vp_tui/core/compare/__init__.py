"""The measures: embeddings in (numpy, float32), plain numbers out, accumulated in FP64; no thresholds, no words."""
