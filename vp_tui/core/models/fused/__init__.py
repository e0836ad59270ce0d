"""The steps of models/steps.py for CUDA, in Triton: each reads and writes the stream once, and computes in FP32."""
