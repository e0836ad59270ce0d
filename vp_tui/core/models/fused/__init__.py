"""The ops of models/ops.py for CUDA, in Triton: one read and one write of the residual stream, FP32 arithmetic."""
