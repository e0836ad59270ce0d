"""Rotary positions of ESM-2: one table of angles per pack, and the plain turning of q and k by it (NeoX halves).

Shape suffixes: P positions, N tokens of the pack, H heads, K head size, k half of it.
"""

from functools import cached_property

import torch
from torch import Tensor

from vp_tui.core.precision import at_least_fp32, back_to


class Rotary:
    """cos and sin of every position's angles in the format of inv_freq, made once per pack."""

    def __init__(self, max_len: int, positions_N: Tensor, inv_freq_k: Tensor) -> None:
        self.positions_N = positions_N
        # positions need FP32: half has no odd numbers above 2,048 and too few digits for the product
        positions_P = torch.arange(max_len, device=inv_freq_k.device, dtype=inv_freq_k.dtype)
        angles_Pk = positions_P[:, None] * inv_freq_k
        self.cos_Pk, self.sin_Pk = angles_Pk.cos(), angles_Pk.sin()

    @cached_property
    def of_tokens(self) -> tuple[Tensor, Tensor]:
        """cos and sin of each token, [N, 1, k] each."""
        return self.cos_Pk[self.positions_N][:, None], self.sin_Pk[self.positions_N][:, None]

    def turn(self, states_NHK: Tensor) -> Tensor:
        """`states_NHK` turned by its angles, in its own format."""
        cos_N1k, sin_N1k = self.of_tokens
        # up-cast: products with half cos and sin would add an error per layer; rounded once at the end
        first_NHk, second_NHk = at_least_fp32(states_NHK).chunk(2, dim=-1)
        turned = (
            first_NHk * cos_N1k - second_NHk * sin_N1k,
            second_NHk * cos_N1k + first_NHk * sin_N1k,
        )
        return back_to(torch.cat(turned, dim=-1), states_NHK)
