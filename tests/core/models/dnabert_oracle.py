"""DNABERT-S straight from its formulas: dense, padded, float64, one line per step; shares no code with vp_tui.

Shape suffixes: B sequences, T padded length, H heads, K head size, D width, F feed-forward width.
"""

import json
import math

import torch

TWELVE = [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]
TWELVE += [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]
"""Slopes of 12 heads as they stand in the published model."""


def slopes(num_heads):
    """`get_slopes` of the ALiBi paper's code; the published numbers for 12 heads."""
    if num_heads == 12:
        return TWELVE
    if math.log2(num_heads).is_integer():
        start = 2 ** (-(2 ** -(math.log2(num_heads) - 3)))
        return [start * start**i for i in range(num_heads)]
    closest = 2 ** math.floor(math.log2(num_heads))
    return slopes(closest) + slopes(2 * closest)[0::2][: num_heads - closest]


def states(folder, rows):
    """Token outputs [n, D] in float64 for each of `rows` (lists of token ids), all in one padded batch."""
    config = json.loads((folder / "config.json").read_text())
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    w = {name: tensor.double() for name, tensor in weights.items()}
    heads, width = config["num_attention_heads"], config["hidden_size"]
    longest = max(map(len, rows))
    # 3 is the tokenizer's [PAD]; config.json says 0
    ids_BT = torch.tensor([row + [3] * (longest - len(row)) for row in rows])
    real_BT = torch.tensor([[1.0] * len(row) + [0.0] * (longest - len(row)) for row in rows])
    where = torch.arange(longest)
    distance_TT = (where[:, None] - where[None, :]).abs()
    alibi_HTT = -torch.tensor(slopes(heads), dtype=torch.float64)[:, None, None] * distance_TT
    bias_BHTT = alibi_HTT + (1 - real_BT)[:, None, None, :] * -1e9

    def norm(x, name):
        mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
        return (x - mean) / (var + 1e-12).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)

    types_D = w["embeddings.token_type_embeddings.weight"][0]
    x_BTD = norm(w["embeddings.word_embeddings.weight"][ids_BT] + types_D, "embeddings.LayerNorm")
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        qkv = linear(x_BTD, f"{layer}.attention.self.Wqkv")
        q, k, v = (
            qkv[..., part * width : (part + 1) * width].unflatten(-1, (heads, width // heads)).transpose(1, 2)
            for part in range(3)
        )
        scores_BHTT = q @ k.transpose(-1, -2) / math.sqrt(width // heads) + bias_BHTT
        mixed_BTD = (scores_BHTT.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x_BTD = norm(
            linear(mixed_BTD, f"{layer}.attention.output.dense") + x_BTD, f"{layer}.attention.output.LayerNorm"
        )
        gated = linear(x_BTD, f"{layer}.mlp.gated_layers")
        first, second = gated[..., : config["intermediate_size"]], gated[..., config["intermediate_size"] :]
        grown = first * 0.5 * (1 + torch.erf(first / math.sqrt(2))) * second
        x_BTD = norm(linear(grown, f"{layer}.mlp.wo") + x_BTD, f"{layer}.mlp.layernorm")
    return [x_TD[: len(row)] for x_TD, row in zip(x_BTD, rows, strict=True)]
