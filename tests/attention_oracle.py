"""Attention straight from its formula, dense and in FP64, one sequence after the other; what kernels are held to."""

import numpy as np
import torch

from vp_tui.core.inputs import packing
from vp_tui.core.models.kernels.base import AttentionCall, to_device


def layout_of(lengths, device="cpu"):
    return to_device(packing.layout(np.array(lengths)), torch.device(device))


def call_of(q_NHK, k_NHK, v_NHK, layout, scale, alibi_slopes_H=None):
    return AttentionCall(
        q_NHK=q_NHK, k_NHK=k_NHK, v_NHK=v_NHK, layout=layout, scale=scale, alibi_slopes_H=alibi_slopes_H
    )


def states(lengths, num_heads, head_dim, seed=0, device="cpu", dtype=torch.float32):
    """q, k and v of a pack; the spread of q gives softmax something to do."""
    generator = torch.Generator().manual_seed(seed)
    shape = (3, sum(lengths), num_heads, head_dim)
    q_NHK, k_NHK, v_NHK = torch.randn(shape, generator=generator).to(device=device, dtype=dtype)
    return 1.5 * q_NHK, k_NHK, v_NHK


def exact(q_NHK, k_NHK, v_NHK, lengths, scale, alibi_slopes_H=None):
    """The FP64 result for inputs of any format."""
    parts = []
    for q, k, v in zip(*(part.double().split(lengths) for part in (q_NHK, k_NHK, v_NHK)), strict=True):
        scores_HTT = torch.einsum("ihk,jhk->hij", q, k) * scale
        if alibi_slopes_H is not None:
            position_T = torch.arange(len(q), device=q.device)
            distance_TT = (position_T[:, None] - position_T[None, :]).abs()
            scores_HTT = scores_HTT - alibi_slopes_H.double()[:, None, None] * distance_TT
        parts.append(torch.einsum("hij,jhk->ihk", torch.softmax(scores_HTT, dim=-1), v))
    return torch.cat(parts)


def plain(q_NHK, k_NHK, v_NHK, lengths, scale, alibi_slopes_H=None):
    """The written-out attention in the inputs' own format: what a fused kernel must not be worse than."""
    parts = []
    for q, k, v in zip(*(part.split(lengths) for part in (q_NHK, k_NHK, v_NHK)), strict=True):
        scores_HTT = (q.transpose(0, 1) * scale) @ k.permute(1, 2, 0)
        if alibi_slopes_H is not None:
            position_T = torch.arange(len(q), device=q.device)
            distance_TT = (position_T[:, None] - position_T[None, :]).abs()
            scores_HTT = scores_HTT - (alibi_slopes_H[:, None, None] * distance_TT).to(q.dtype)
        parts.append((torch.softmax(scores_HTT, dim=-1) @ v.transpose(0, 1)).transpose(0, 1))
    return torch.cat(parts)


def slopes(num_heads, device="cpu"):
    """Slopes as half of DNABERT-S has them: no powers of two, so a bias in 16 bits is a rounded one."""
    return torch.tensor([2.0 ** -(0.5 + head % 8) for head in range(num_heads)], device=device)
