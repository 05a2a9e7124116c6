"""`TextToImage`: pictures of what a text says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from textrep.core.random import RandomState
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.batches import pad
from textrep.image.diffusion.base import DiffusionEstimator
from textrep.image.latent import normal_noise
from textrep.image.pixels import Pixels
from textrep.image.text_to_image.pretrained import check_folder, draw, open_pipeline
from textrep.image.text_to_image.text_condition import TextCondition
from textrep.layers.transformer import BlockShape
from textrep.preprocess.codec import TextCodec

_INNER = 4  # times the features, inside the feed-forward layers
_TEXT_COUNTS = ("text_size", "text_layers", "text_heads", "max_length", "min_count")


class TextToImage(DiffusionEstimator):
    """Pictures of what a text says, learnt from pictures with captions.

    Stable Diffusion at small size: an autoencoder, a U-Net that takes noise out of its codes, and a
    Transformer that reads the text, at whose tokens each place of the code looks. Published ones
    are read by `from_pretrained`.

    Parameters
    ----------
    text_size : int, default=64
        Features of a token; a multiple of `text_heads`.
    text_layers : int, default=2
    text_heads : int, default=4
    max_length : int, default=16
        Tokens of a caption at most; the rest is cut off.
    min_count : int, default=1
        Captions' occurrences that a word must have.
    space : {"latent", "pixel"}, default="latent"
        Whether noise is mixed into the codes of an autoencoder, as Stable Diffusion does, or into
        pixels, which takes many times as long.
    autoencoder : estimator or None, default=None
        With `encode` and `decode`, such as `textrep.VAE`; fitted, it is taken as it is, else a copy
        is fitted to the pictures. None trains a small convolutional one for `coder_epochs`.
    latent_channels : int, default=4
        Numbers of a place of the code.
    latent_factor : int, default=4
        Pixels of a side that become one place, a power of 2 that divides the sides.
    coder_channels : int, default=16
        Of the finest layer of the convolutional autoencoder.
    coder_epochs : int, default=2
    kl_weight : float, default=0.1
        Of the divergence of its codes from a normal distribution; 1 makes it a VAE, whose pictures
        are blurred.
    channels : sequence of int or "auto", default="auto"
        Of the levels of the U-Net, between which sides are halved; "auto" is (64,) for codes and
        (32, 64, 64), or as many as the sides allow, for pixels.
    blocks : int, default=2
        Of two convolutions, on each level down and up.
    num_heads : int, default=4
        Of the attention in the middle; they divide the last of `channels`.
    dropout : float, default=0.0
    n_steps : int, default=1000
        Of the way into noise.
    schedule : {"cosine", "linear"}, default="cosine"
        How the noise grows, see `textrep.image.diffusion.NoiseSchedule`.
    prediction : {"v", "epsilon"}, default="v"
        What the network says: the noise, or a mixture of noise and picture that can be told at all
        steps alike.
    condition_dropout : float, default=0.1
        Share of the captions that are hidden in training, which guidance needs.
    epochs : int, default=10
        Times that the pictures are trained on, after those of the autoencoder.
    batch_size : int, default=64
    learning_rate : float, default=2e-3
        The highest; it falls to 0 as a cosine.
    weight_decay : float, default=0.0
    ema_decay : float or None, default=0.999
        Of the moving average of the weights that pictures are drawn with; early on it forgets
        faster, so that short trainings are served too.
    max_seconds : float or None, default=None
        Time for `fit`, at most 0.3 of it for the autoencoder; the learning rate falls in it.
    checkpoint : str, path or None, default=None
        A file that keeps the state of training, from which `fit` goes on after an interruption;
        `random_state` must then be an int.
    progress_folder : str, path or None, default=None
        Folder for a grid of pictures after each epoch.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        On CPUs with instructions for it, bf16 trains about 1.5 times as fast.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codec_ : TextCodec
        How texts are cut and numbered; ``codec_.words`` are the tokens.
    n_tokens_ : int
        Of a text at most, its end included: those of the longest caption.
    n_channels_, n_features_in_ : int
    image_size_ : (int, int)
    code_shape_ : (int, int, int)
        Channels, height and width of what noise is mixed into.
    code_range_ : float
        The largest number of a code, to which codes are cut off on the way back.
    module_ : torch.nn.Module
        Network, text encoder and autoencoder, on the CPU.
    autoencoder_ : estimator
        Where one was given.
    pretrained_ : str
        The folder of a published model, in place of all the others.
    history_ : list of dict
        Loss, learning rate and time of each epoch; with an autoencoder of its own, entries name
        their ``stage``.
    n_epochs_ : int
    stopped_early_, out_of_time_ : bool
        Whether `max_seconds` ended training.

    See Also
    --------
    textrep.Diffusion : Pictures of a class.

    References
    ----------
    R. Rombach et al.: High-resolution image synthesis with latent diffusion models, CVPR 2022.

    Examples
    --------
    >>> from textrep import TextToImage
    >>> from textrep.image import load_pictures
    >>> digits = load_pictures("digits", part="train")
    >>> captions = [f"the digit {label}" for label in digits.labels[:256]]
    >>> model = TextToImage(space="pixel", channels=[8], blocks=1, num_heads=2, text_size=8,
    ...                     text_layers=1, epochs=1, device="cpu", random_state=0)
    >>> model = model.fit(digits.pictures[:256], captions)
    >>> model.sample(["the digit 7", "3"], steps=5, random_state=0).shape
    (2, 1, 8, 8)
    """

    codec_: TextCodec
    n_tokens_: int
    pretrained_: str
    _pipeline: Any

    def __init__(
        self,
        *,
        text_size: int = 64,
        text_layers: int = 2,
        text_heads: int = 4,
        max_length: int = 16,
        min_count: int = 1,
        space: str = "latent",
        autoencoder: Any = None,
        latent_channels: int = 4,
        latent_factor: int = 4,
        coder_channels: int = 16,
        coder_epochs: int = 2,
        kl_weight: float = 0.1,
        channels: Sequence[int] | str = "auto",
        blocks: int = 2,
        num_heads: int = 4,
        dropout: float = 0.0,
        n_steps: int = 1000,
        schedule: str = "cosine",
        prediction: str = "v",
        condition_dropout: float = 0.1,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.0,
        ema_decay: float | None = 0.999,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress_folder: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.text_size = text_size
        self.text_layers = text_layers
        self.text_heads = text_heads
        self.max_length = max_length
        self.min_count = min_count
        self.space = space
        self.autoencoder = autoencoder
        self.latent_channels = latent_channels
        self.latent_factor = latent_factor
        self.coder_channels = coder_channels
        self.coder_epochs = coder_epochs
        self.kl_weight = kl_weight
        self.channels = channels
        self.blocks = blocks
        self.num_heads = num_heads
        self.dropout = dropout
        self.n_steps = n_steps
        self.schedule = schedule
        self.prediction = prediction
        self.condition_dropout = condition_dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.progress_folder = progress_folder
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **params: Any) -> Self:
        """A published Stable Diffusion, as if fitted.

        Parameters
        ----------
        folder : path
            As diffusers saves it, with weights in safetensors. Nothing is fetched.
        **params
            Of the estimator: `device`, `precision`.

        Returns
        -------
        TextToImage
            It draws, and does nothing else. A saved file of it holds the path of the folder.

        Raises
        ------
        DataError
            If the folder is not there or damaged, or holds another model.
        ModuleNotFoundError
            If diffusers is not installed.
        """
        made = cls(**params)
        made.pretrained_ = check_folder(folder)
        made._pipeline = open_pipeline(made.pretrained_)
        return made

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to make pictures of captions.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
            As for `textrep.image.check_pictures`.
        y : iterable of str (n_samples,)
            What each shows.

        Returns
        -------
        self : TextToImage

        Raises
        ------
        ValueError
            If `X` or `y` holds something else, sides cannot be divided as the network needs it, or
            a parameter is out of range.
        """
        self._check_parameters()
        for count in _TEXT_COUNTS:
            check_count(count, getattr(self, count), 1)
        self._text_shape()  # which refuses heads that do not divide
        pixels = self._check_fit(X)
        if y is None:
            raise ValueError("y is missing: TextToImage learns from a caption for each picture")
        captions = check_texts(y, name="y")
        if len(captions) != len(pixels):
            raise ValueError(f"X has {len(pixels)} pictures, but y has {len(captions)} captions")
        for name in ("pretrained_", "_pipeline"):
            if hasattr(self, name):
                delattr(self, name)
        self.codec_ = TextCodec(lowercase=True, min_count=self.min_count).fit(captions)
        longest = max(len(ids) for ids in self.codec_.encode_all(captions))
        self.n_tokens_ = min(longest, self.max_length) + 1
        self._fit(pixels, self._ids(captions))
        return self

    def _text_shape(self) -> BlockShape:
        try:
            return BlockShape(
                size=self.text_size,
                n_heads=self.text_heads,
                inner_size=_INNER * self.text_size,
                dropout=0.0,
            )
        except ValueError:
            raise ValueError(
                f"text_size must be a multiple of text_heads={self.text_heads}, got "
                f"{self.text_size}"
            ) from None

    def _condition(self, told_size: int) -> nn.Module | None:
        return TextCondition(
            len(self.codec_), self.n_tokens_, self._text_shape(), self.text_layers, told_size
        )

    def _memory_size(self) -> int:
        return self.text_size

    def _nothing(self) -> NDArray[np.int64] | None:
        return self._ids([""])[0]

    def _ids(self, texts: list[str]) -> NDArray[np.int64]:
        """Numbers of the tokens of texts, each with its end, (n, n_tokens_)."""
        end = np.array([TextCodec.EOS])
        rows = [np.append(ids[: self.n_tokens_ - 1], end) for ids in self.codec_.encode_all(texts)]
        # A row of full length sees to it that all are as wide.
        rows.append(np.zeros(self.n_tokens_, dtype=np.int64))
        return pad(rows, TextCodec.PAD).numpy()[:-1]

    def sample(
        self,
        prompts: Any,
        *,
        n: int = 1,
        method: str = "ddim",
        steps: int = 25,
        guidance: float = 2.0,
        random_state: RandomState = None,
    ) -> Pixels:
        """Pictures of texts.

        Parameters
        ----------
        prompts : iterable of str
            Words that no caption had are unknown to a model that was trained here.
        n : int, default=1
            Pictures of each.
        method : {"ddim", "ddpm"}, default="ddim"
            DDIM gives one picture for each noise, and good ones in few steps; DDPM draws new noise
            at each step.
        steps : int, default=25
        guidance : float, default=2.0
            1 asks for the text alone; more makes pictures of it clearer and more alike. Published
            models are commonly asked with 7.5.
        random_state : int, Generator, RandomState or None, default=None

        Returns
        -------
        float32 ndarray (n_prompts * n, channels, height, width)
            From 0 to 1; those of one prompt stand together.

        Raises
        ------
        TextInputError
            If `prompts` holds something else.
        """
        texts = check_texts(prompts, name="prompts")
        check_count("n", n, 1)
        check_count("steps", steps, 1)
        check_number("guidance", guidance, least=0)
        eta = self._eta(method)
        asked = [text for text in texts for _ in range(n)]
        if hasattr(self, "pretrained_"):
            if getattr(self, "_pipeline", None) is None:
                self._pipeline = open_pipeline(self.pretrained_)
            return draw(
                self._pipeline,
                asked,
                method=method,
                steps=steps,
                guidance=guidance,
                device=self.device,
                precision=self.precision,
                random_state=random_state,
            )
        self._check_fitted()
        self._way(steps)
        noise = normal_noise(len(asked), self.code_shape_, random_state)
        codes = self._walk_back(
            noise,
            self._ids(asked),
            steps=steps,
            eta=eta,
            guidance=float(guidance),
            random_state=random_state,
        )
        return self._pictures(codes)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of what the network says of noise.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
        y : iterable of str (n_samples,), default=None
            Captions; None tells the network nothing.

        Returns
        -------
        float
            See `Diffusion.score`.
        """
        pixels = self._check(X)
        given = None if y is None else self._ids(check_texts(y, name="y"))
        if given is not None and len(given) != len(pixels):
            raise ValueError(f"X has {len(pixels)} pictures, but y has {len(given)} captions")
        return -float(self._denoising_error(self._codes(pixels), given).mean())

    def _check_fitted(self) -> None:
        if hasattr(self, "pretrained_"):
            raise ValueError("a model of from_pretrained draws pictures, and does nothing else")
        super()._check_fitted()

    # ---- files

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_pipeline", None)  # is opened again from its folder
        return state

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "codec_" in state:
            state["codec"] = state.pop("codec_").state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "codec" in state:
            self.codec_ = TextCodec.from_state(state.pop("codec"))
        super()._set_state(state)
