"""How ULMFiT fine-tunes: lower layers by smaller steps, and later than the upper ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import nn

from textrep.contextual.classification import ClassificationTask
from textrep.contextual.ulmfit_module import UlmfitModule
from textrep.engine.task import ParameterGroup
from textrep.generation.recurrent_module import RecurrentLM, RecurrentLMTask


class Level(NamedTuple):
    """A part of a model that has a learning rate of its own and is unfrozen as a whole."""

    name: str
    parameters: list[nn.Parameter]


def discriminative_groups(
    levels: list[Level], lr_decay: float, unfreeze_gradually: bool
) -> list[ParameterGroup]:
    r"""Learning rates that fall from level to level downwards.

    The highest level has the rate :math:`\eta` of the settings, and each below it
    :math:`\eta^{l-1} = \eta^l / 2.6` (Howard and Ruder 2018, section 3.2), with `lr_decay` for 2.6.

    Parameters
    ----------
    levels : list of Level
        From the lowest to the highest.
    lr_decay : float
        At least 1.
    unfreeze_gradually : bool
        Whether the highest level alone is trained in the first epoch, with the one below it in the
        second, and so on (section 3.3).

    Returns
    -------
    list of ParameterGroup
        In the order of `levels`.

    Examples
    --------
    >>> groups = discriminative_groups([Level("low", []), Level("high", [])], 2.0, True)
    >>> [(group.name, group.lr_factor, group.from_epoch) for group in groups]
    [('low', 0.5, 1), ('high', 1.0, 0)]
    """
    top = len(levels) - 1
    return [
        ParameterGroup(
            level.parameters,
            name=level.name,
            lr_factor=lr_decay ** (place - top),
            from_epoch=(top - place) * unfreeze_gradually,
        )
        for place, level in enumerate(levels)
    ]


def encoder_levels(encoder: RecurrentLM) -> list[Level]:
    """The word vectors and each recurrent layer of a language model, from the lowest."""
    layers = [
        Level(f"layer {number}", list(layer.parameters()))
        for number, layer in enumerate(encoder.stack.layers)
    ]
    return [Level("embedding", list(encoder.embedding.parameters())), *layers]


class FineTuningTask(RecurrentLMTask):
    """A language model that is trained on, by discriminative rates, on the texts to classify.

    Word vectors that are the weights of the output as well belong to the highest level with it.

    Parameters
    ----------
    module : RecurrentLM
    lr_decay : float
        See `discriminative_groups`.
    """

    def __init__(self, module: RecurrentLM, lr_decay: float) -> None:
        super().__init__(module)
        self._lr_decay = lr_decay

    def groups(self, phase: str) -> list[ParameterGroup]:
        """Word vectors, recurrent layers, output."""
        embedding, *layers = encoder_levels(self.module)
        output = Level("output", list(self.module.output.parameters()))
        own = getattr(self.module.output, "weight", None)
        if own is self.module.embedding.weight:
            output = Level("output", [*output.parameters, *embedding.parameters])
            return discriminative_groups([*layers, output], self._lr_decay, False)
        return discriminative_groups([embedding, *layers, output], self._lr_decay, False)


class UlmfitTask(ClassificationTask):
    """Cross entropy, by discriminative rates and with gradual unfreezing.

    Parameters
    ----------
    module : UlmfitModule
    class_weights : float array (n_classes,)
    lr_decay : float
    unfreeze_gradually : bool
        See `discriminative_groups`.
    """

    module: UlmfitModule

    def __init__(
        self,
        module: UlmfitModule,
        class_weights: np.ndarray,
        *,
        lr_decay: float,
        unfreeze_gradually: bool,
    ) -> None:
        super().__init__(module, class_weights)
        self._lr_decay = lr_decay
        self._unfreeze_gradually = unfreeze_gradually

    def groups(self, phase: str) -> list[ParameterGroup]:
        """Word vectors, recurrent layers, head."""
        head = Level("head", list(self.module.head.parameters()))
        levels = [*encoder_levels(self.module.encoder), head]
        return discriminative_groups(levels, self._lr_decay, self._unfreeze_gradually)
