"""What a GPU could compute at most by its data sheet, and the share of it that was reached (MFU).

TFLOP/s, dense (without 2:4 sparsity), at boost clock; FP16 and BF16 on tensor cores with FP32 accumulation, TF32 on
tensor cores, FP32 (IEEE) on CUDA cores. Sources, all of NVIDIA: the H100 architecture white paper (H100 SXM5, PCIe);
the H200 data sheet (the compute of H100 SXM5); the A100 data sheet; the Ada architecture white paper (RTX 4090); the
GA102 architecture white paper (RTX 3090); the data sheets of L40S, L4 and A10. A GPU is known by the whole name that
the driver gives it: A100s of single sites, laptops and MIG slices have other chips under similar names.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

TERA: Final = 1e12


class Peak(NamedTuple):
    """Dense TFLOP/s per precision."""

    fp16: float
    tf32: float
    fp32: float


_A100: Final = Peak(fp16=312.0, tf32=156.0, fp32=19.5)
_GH100_SXM: Final = Peak(fp16=989.4, tf32=494.7, fp32=66.9)
PEAKS: Final[Mapping[str, Peak]] = {
    "NVIDIA H200": _GH100_SXM,
    "NVIDIA H100 80GB HBM3": _GH100_SXM,
    "NVIDIA H100 PCIe": Peak(fp16=756.0, tf32=378.0, fp32=51.2),
    "NVIDIA A100-SXM4-40GB": _A100,
    "NVIDIA A100-SXM4-80GB": _A100,
    "NVIDIA A100-PCIE-40GB": _A100,
    "NVIDIA A100 80GB PCIe": _A100,
    "NVIDIA L40S": Peak(fp16=362.05, tf32=183.0, fp32=91.6),
    "NVIDIA L4": Peak(fp16=121.0, tf32=60.0, fp32=30.3),
    "NVIDIA A10": Peak(fp16=125.0, tf32=62.5, fp32=31.2),
    "NVIDIA GeForce RTX 4090": Peak(fp16=165.2, tf32=82.6, fp32=82.6),
    "NVIDIA GeForce RTX 3090": Peak(fp16=71.0, tf32=35.6, fp32=35.6),
}


def nominal(gpu_name: str | None, precision: str) -> float | None:
    """Dense peak in FLOP/s of `precision` (fp32, tf32, bf16, fp16) on the GPU; None for one that is not known."""
    peak = PEAKS.get(gpu_name) if gpu_name is not None else None
    # BF16 runs at the rate of FP16 on every GPU of the table
    tera = peak._asdict().get("fp16" if precision == "bf16" else precision) if peak is not None else None
    return None if tera is None else tera * TERA


def mfu(flops: float | None, seconds: float, peak: float | None) -> float | None:
    """Model FLOPs utilization: `flops` done in `seconds` as a share of `peak` FLOP/s; None where one is missing."""
    return flops / seconds / peak if flops is not None and peak is not None and seconds > 0 else None
