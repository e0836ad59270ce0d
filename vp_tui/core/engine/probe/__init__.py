"""Looking inside a model on a small stratified sample: every module's range, its error, and an FP64 oracle."""
