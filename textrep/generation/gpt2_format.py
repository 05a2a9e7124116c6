"""`GPT2Format`: language models that read and write the files of GPT-2."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np

from textrep.engine.estimator import set_weights
from textrep.generation.windowed_language_model import WindowedLanguageModel

_OF_THE_NETWORK = ("_build", "_feed_forward", "_new_codec")


class GPT2Format(WindowedLanguageModel):
    """Base of `GPT`: checkpoints in the layout of Hugging Face."""

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Take up a GPT-2 checkpoint in the layout of Hugging Face.

        Parameters
        ----------
        folder : path
            With ``config.json``, weights in safetensors and a tokenizer.

        Returns
        -------
        GPT
            Fitted; of training there is no history.

        Raises
        ------
        ValueError
            If it is no GPT-2, or the network of this class is another one.
        DataError
            If a file is missing or broken; the message names it.
        """
        from textrep.generation.gpt import GPT
        from textrep.generation.gpt2_files import read_gpt2

        if any(getattr(cls, name) is not getattr(GPT, name) for name in _OF_THE_NETWORK):
            raise ValueError(
                f"a GPT-2 cannot be taken up as a {cls.__name__}, whose network is another one; "
                "use GPT.from_pretrained"
            )
        params, codec, weights = read_gpt2(folder)
        model = cls(**params)
        model._take(codec, weights)
        return model

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write a GPT-2 checkpoint in the layout of Hugging Face.

        Parameters
        ----------
        folder : path
            Made where there is none.

        Raises
        ------
        ValueError
            If this model is none that GPT-2 could be; the message says in what.
        """
        from textrep.generation.gpt2_files import write_gpt2

        self._check_fitted()
        write_gpt2(self, folder)

    def _take(self, codec: Any, weights: dict[str, np.ndarray]) -> None:
        """Become fitted with a codec and weights from elsewhere."""
        self.codec_ = codec
        self.module_ = self._new_module_without_draw()
        set_weights(self.module_, weights)
        self.history_, self.n_epochs_ = [], 0
        self.stopped_early_ = self.out_of_time_ = False
