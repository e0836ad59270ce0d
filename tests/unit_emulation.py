"""Both models written out in units, each in FP32 or FP16: what keeping a unit in FP32 means, stated independently.

A kept unit casts its input to FP32, has FP32 weights and leaves its output in FP32; any other casts its input to FP16.
Matmul sums, LayerNorm, softmax and rotary embeddings are FP32 inside in both. One sequence at a time.
"""

from functools import partial

import numpy as np
import torch
from torch.nn.functional import embedding, gelu, layer_norm, linear

from vp_tui.core.config import plain_plan
from vp_tui.core.inputs.source import resolve
from vp_tui.core.models.dnabert_s import alibi_slopes
from vp_tui.core.models.loading import load

TRAINED_KEEP = 1 - 0.15 * 0.8


class Units:
    """Runs a unit in its format; `kept` are the names of those in FP32, None: all."""

    def __init__(self, kept):
        self.kept = kept

    def dtype(self, name):
        return torch.float32 if self.kept is None or name in self.kept else torch.float16

    def run(self, name, compute, inputs, weights=()):
        """Inputs and weights rounded to the unit's format, computed in FP32, and the result rounded to the format."""
        dtype = self.dtype(name)
        rounded = [None if one is None else one.to(dtype).float() for one in (*inputs, *weights)]
        return compute(*rounded).to(dtype)

    def linear(self, name, layer, states):
        return self.run(name, linear, [states], [layer.weight, layer.bias])

    def norm(self, name, layer, *summands):
        """LayerNorm of the sum, which is rounded to the unit's format first."""
        dtype = self.dtype(name)
        total = sum(one.to(dtype).float() for one in summands).to(dtype)
        return self.run(
            name,
            lambda x, w, b: layer_norm(x, layer.normalized_shape, w, b, layer.eps),
            [total],
            [layer.weight, layer.bias],
        )


def _mixed(qkv, heads, rotate, bias):
    q, k, v = qkv.view(len(qkv), 3, heads, -1).unbind(1)
    q, k = rotate(q * q.shape[-1] ** -0.5), rotate(k)
    scores = torch.einsum("qhd,khd->hqk", q, k) + bias
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).flatten(1)


def _rotation(inv_freq, length):
    angles = torch.arange(length)[:, None].float() * inv_freq
    cos, sin = (torch.cat([part, part], -1)[:, None] for part in (angles.cos(), angles.sin()))

    def rotate(x):
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat([-second, first], -1) * sin

    return rotate


def esm2(model, ids, kept):
    units, x = Units(kept), None
    x = units.run("embedding", lambda w: embedding(ids, w) * TRAINED_KEEP, [], [model.embedding.weight])
    rotate = _rotation(model.inv_freq, len(ids))
    for i, block in enumerate(model.layers):
        at = f"layers.{i}."
        qkv = units.linear(at + "qkv", block.qkv, units.norm(at + "attention_norm", block.attention_norm, x))
        mixed = units.run(at + "attention", partial(_mixed, heads=block.num_heads, rotate=rotate, bias=0.0), [qkv])
        x = units.run(at + "residual", torch.add, [x, units.linear(at + "out", block.out, mixed)])
        grown = units.linear(at + "fc1", block.fc1, units.norm(at + "ffn_norm", block.ffn_norm, x))
        shrunk = units.linear(at + "fc2", block.fc2, units.run(at + "gelu", gelu, [grown]))
        x = units.run(at + "residual", torch.add, [x, shrunk])
    return units.norm("final_norm", model.final_norm, x)[1:-1]


def _gated(both):
    first, second = both.chunk(2, -1)
    return gelu(first) * second


def dnabert_s(model, ids, kept):
    units = Units(kept)
    tables = [model.embedding.weight, model.token_type.weight]
    x = units.run("embedding", lambda words, types: embedding(ids, words) + types[0], [], tables)
    x = units.norm("embedding_norm", model.embedding_norm, x)
    place = torch.arange(len(ids))
    for i, block in enumerate(model.layers):
        at = f"layers.{i}."
        bias = -alibi_slopes(block.num_heads)[:, None, None] * (place[:, None] - place).abs()
        mixed = units.run(
            at + "attention",
            partial(_mixed, heads=block.num_heads, rotate=lambda z: z, bias=bias),
            [units.linear(at + "qkv", block.qkv, x)],
        )
        x = units.norm(at + "attention_norm", block.attention_norm, x, units.linear(at + "out", block.out, mixed))
        grown = units.run(at + "gelu", _gated, [units.linear(at + "gated", block.gated, x)])
        x = units.norm(at + "ffn_norm", block.ffn_norm, x, units.linear(at + "wo", block.wo, grown))
    return x


class Emulated:
    """A checkpoint whose embeddings can be computed with any set of units in FP32."""

    def __init__(self, folder, tokens):
        self.loaded = load(resolve(str(folder)), plain_plan("fp32"), torch.device("cpu"))
        self.forward = esm2 if self.loaded.spec.kind == "esm2" else dnabert_s
        self.sequences = [
            torch.from_numpy(tokens.ids_N[start : start + length].astype(np.int64))
            for start, length in zip(tokens.starts_S, tokens.lengths_S, strict=True)
        ]

    @torch.inference_mode()
    def embeddings(self, kept):
        """Pooled embeddings [S, D]; `kept` None: all units in FP32."""
        return np.stack([self.forward(self.loaded.model, ids, kept).float().mean(0).numpy() for ids in self.sequences])
