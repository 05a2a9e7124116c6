"""Pictures that generators made before, for critics to remember."""

from __future__ import annotations

import torch
from torch import Tensor


def pool_query(stored: Tensor | None, made: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """What a critic is shown in place of what was just made, and what is stored from now on.

    A pool that is not full takes each picture in and shows it. A full one, for each picture by
    itself, shows it in half of the cases, and in the other half shows one of those stored, whose
    place it takes. A critic that only ever sees the newest pictures forgets what was wrong before,
    and both players go round in circles.

    Parameters
    ----------
    stored : tensor (k, channels, height, width) or None
        Not changed.
    made : tensor (n, channels, height, width)
    size : int
        Pictures that are stored at most; 0 shows what was just made.

    Returns
    -------
    shown : tensor (n, channels, height, width)
    stored : tensor (k, channels, height, width)

    References
    ----------
    A. Shrivastava et al.: Learning from simulated and unsupervised images through adversarial
    training, CVPR 2017, section 2.3.
    """
    made = made.detach()
    stored = made[:0] if stored is None else stored
    room = max(0, size - len(stored))
    stored = torch.cat([stored, made[:room]])
    shown = made.clone()
    if not size:
        return shown, stored
    for i in range(min(room, len(made)), len(made)):
        if torch.rand(()) < 0.5:
            place = int(torch.randint(size, ()))
            shown[i] = stored[place]
            stored[place] = made[i]
    return shown, stored
