"""How much of a picture is left at each step of its way into noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_choice, check_count

SCHEDULES = ("cosine", "linear")

_MOST_NOISE = 0.999  # variance that a step adds at most
_COSINE_OFFSET = 0.008  # Nichol and Dhariwal (2021), section 3.2
_LINEAR = 1e-4, 0.02  # Ho et al. (2020), section 4, of 1000 steps
_LINEAR_STEPS = 1000
_MOST_STEPS = 1_000_000


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    r"""Step :math:`t` makes :math:`\sqrt{\bar\alpha_t} x + \sqrt{1 - \bar\alpha_t} \epsilon` of x.

    Attributes
    ----------
    kept : float64 ndarray (n_steps,)
        :math:`\bar\alpha_t`, from nearly 1 to nearly 0.

    Examples
    --------
    >>> NoiseSchedule.of("cosine", 4).kept.round(4)
    array([8.470e-01, 4.938e-01, 1.443e-01, 1.000e-04])
    """

    kept: NDArray[np.float64]

    @classmethod
    def of(cls, kind: str, n_steps: int) -> NoiseSchedule:
        r"""A schedule that ends in noise, however many steps it has.

        Parameters
        ----------
        kind : {"cosine", "linear"}
            That of Nichol and Dhariwal (2021), or of Ho et al. (2020) with the variances of its
            1000 steps spread over `n_steps`: unchanged, 100 steps would leave
            :math:`\bar\alpha = 0.36`, and samples would start where training never was.
        n_steps : int
            At least 2, at most a million.

        References
        ----------
        J. Ho, A. Jain, P. Abbeel: Denoising diffusion probabilistic models, NeurIPS 2020.

        A. Nichol, P. Dhariwal: Improved denoising diffusion probabilistic models, ICML 2021,
        equation 17.
        """
        check_choice("schedule", kind, SCHEDULES)
        check_count("n_steps", n_steps, 2, _MOST_STEPS)
        if kind == "cosine":
            share = np.arange(n_steps + 1) / n_steps
            angle = (share + _COSINE_OFFSET) / (1 + _COSINE_OFFSET) * math.pi / 2
            curve = np.cos(angle) ** 2
            added = 1 - curve[1:] / curve[:-1]
        else:
            added = np.linspace(*_LINEAR, n_steps) * (_LINEAR_STEPS / n_steps)
        return cls(np.cumprod(1 - np.minimum(added, _MOST_NOISE)))

    def __len__(self) -> int:
        return len(self.kept)

    def way_back(self, steps: int) -> list[tuple[int, float, float]]:
        """From noise to a picture in so many steps, the first of which is the last of all.

        Parameters
        ----------
        steps : int
            At most as many as the schedule has.

        Returns
        -------
        list of (step, kept there, kept behind it)
            Evenly spread and counted from the end ("trailing"), since a walk that does not start at
            the last step takes pure noise for something else (Lin et al. 2024, section 3.3).

        Examples
        --------
        >>> [step for step, _, _ in NoiseSchedule.of("cosine", 1000).way_back(4)]
        [999, 749, 499, 249]
        """
        check_count("steps", steps, 1, len(self))
        numbers = np.round(np.arange(len(self), 0, -len(self) / steps))[:steps].astype(int) - 1
        kept = [*self.kept[numbers].tolist(), 1.0]
        return list(zip(numbers.tolist(), kept[:-1], kept[1:], strict=True))

    def way_out(self, steps: int) -> list[tuple[int, float, float]]:
        """The same way from a picture to its noise.

        Returns
        -------
        list of (step, kept here, kept behind it)
            The step is the one behind, as its noise is what is looked for.
        """
        return [(step, after, now) for step, now, after in reversed(self.way_back(steps))]
