"""Rotary embeddings of ESM-2: one table of angles per pack, and the rotation of q and k (NeoX halves) in plain torch.

Shape suffixes: P positions, N tokens of the pack, H heads, K head size, k half of it.
"""

from functools import cached_property

import torch
from torch import Tensor

from vp_tui.core.models.precision import at_least_fp32, back_to


class Rotary:
    """cos and sin of every position's angles in the format of inv_freq, computed once per pack."""

    def __init__(self, max_len: int, positions_N: Tensor, inv_freq_k: Tensor) -> None:
        self.positions_N = positions_N
        # positions need FP32: FP16 has no odd numbers above 2,048 and too few bits for the product
        positions_P = torch.arange(max_len, device=inv_freq_k.device, dtype=inv_freq_k.dtype)
        angles_Pk = positions_P[:, None] * inv_freq_k
        self.cos_Pk, self.sin_Pk = angles_Pk.cos(), angles_Pk.sin()

    def rotate(self, qk_N2HK: Tensor) -> Tensor:
        """Return q times K^-0.5 and k, both rotated, in their own format.

        The two numbers of a pair are adjacent in the result: another order than the input's, but the same for q and k,
        so that their dot products are unchanged.
        """
        # up-cast: products with half cos and sin would add an error per layer; rounded once at the end
        first_N2Hk, second_N2Hk = at_least_fp32(qk_N2HK).chunk(2, dim=-1)
        rotated_N2Hk = torch.complex(first_N2Hk, second_N2Hk).mul_(self._rotations_N21k)
        return back_to(torch.view_as_real(rotated_N2Hk).flatten(-2), qk_N2HK)

    @cached_property
    def _rotations_N21k(self) -> Tensor:
        """e^(i angle) of each token, scaled by K^-0.5 for q."""
        cis_Pk = torch.complex(at_least_fp32(self.cos_Pk), at_least_fp32(self.sin_Pk))
        scale = (2 * cis_Pk.shape[1]) ** -0.5
        return torch.stack((scale * cis_Pk, cis_Pk), dim=1)[self.positions_N][:, :, None]
