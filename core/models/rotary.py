"""Rotary positions of ESM-2: one table of angles per pack, and the plain turning of q and k by it (NeoX halves).

Shape suffixes: P positions, N tokens of the pack, H heads, K head size, k half of it.
"""

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
        self._made: dict[float, Tensor] = {}

    def turn(self, states_NHK: Tensor, scale: float = 1.0) -> Tensor:
        """`states_NHK` times `scale`, turned by its angles, in its own format.

        The two numbers of a pair come out side by side: an order of its own, the same for q and k, so that their
        products are what they were.
        """
        # up-cast: products with half cos and sin would add an error per layer; rounded once at the end
        first_NHk, second_NHk = at_least_fp32(states_NHK).chunk(2, dim=-1)
        turned_NHk = torch.complex(first_NHk, second_NHk).mul_(self._of_tokens(scale))
        return back_to(torch.view_as_real(turned_NHk).flatten(-2), states_NHK)

    def _of_tokens(self, scale: float) -> Tensor:
        """scale * e^(i angle) of each token, [N, 1, k]; made once per scale."""
        if scale not in self._made:
            cis_Pk = torch.complex(at_least_fp32(self.cos_Pk), at_least_fp32(self.sin_Pk))
            self._made[scale] = (scale * cis_Pk)[self.positions_N][:, None]
        return self._made[scale]
