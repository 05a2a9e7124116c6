"""Image and text in, text out: published vision-language models."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.progress import Progress, progress
from textrep.core.random import RandomState
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count
from textrep.engine.device import choose_device, choose_precision
from textrep.engine.seeding import seed_of
from textrep.generation.sampling import Sampler, row_generators
from textrep.image.pictures import check_images, read_image
from textrep.image.vision_checkpoint import open_vision_checkpoint

# They need no sign for the image in the text, or place it themselves.
_PLACING = (
    "Blip2Processor", "BlipProcessor", "Florence2Processor", "GitProcessor",
    "InstructBlipProcessor", "Kosmos2Processor", "PaliGemmaProcessor", "Pix2StructProcessor",
)  # fmt: skip


class VisionLanguageModel:
    """A model that reads an image and a text and writes a text: descriptions, answers.

    It opens any checkpoint that transformers has an ``AutoModelForImageTextToText`` for, such as
    Llava, SmolVLM, PaliGemma, Qwen-VL or BLIP. One with a chat template is asked as a user would,
    the image before the text.

    Parameters
    ----------
    checkpoint : str or Path
        A folder in the layout of Hugging Face, or a name of its hub. Only safetensors are read.
    device : str, default="auto"
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        What weights are kept and products computed in; ``"auto"`` is bf16 on GPUs that have it.
    verbose : int, default=0
        1 shows the progress over images.

    Attributes
    ----------
    model_ : transformers.PreTrainedModel
    processor_ : transformers.ProcessorMixin

    Raises
    ------
    ValueError
        If the checkpoint cannot be opened or is of another kind.
    ModuleNotFoundError
        If transformers, Pillow or what the checkpoint needs besides is not installed.

    Notes
    -----
    Images are read one by one, whatever their number: an answer never depends on what else is
    asked, and memory not on how much.

    References
    ----------
    H. Liu, C. Li, Q. Wu, Y. J. Lee: Visual instruction tuning, NeurIPS 2023.

    Examples
    --------
    >>> model = VisionLanguageModel("HuggingFaceTB/SmolVLM-256M-Instruct")  # doctest: +SKIP
    >>> model.generate(["cat.jpg"], ["What is this?"])  # doctest: +SKIP
    ['A cat on a sofa.']
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        *,
        device: str = "auto",
        precision: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self._device = choose_device(device)
        opened = open_vision_checkpoint(
            checkpoint,
            device=self._device,
            precision=choose_precision(precision, self._device),
        )
        self.processor_, self.model_, self._eos = opened
        self._tokenizer = getattr(self.processor_, "tokenizer", self.processor_)

    def generate(
        self,
        images: Any,
        prompts: Any,
        *,
        max_new_tokens: int = 100,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        random_state: RandomState = None,
    ) -> list[str]:
        """What the model says of each image.

        Parameters
        ----------
        images : iterable of str, Path, PIL.Image.Image or uint8 ndarray (height, width, 3)
            See `check_images`.
        prompts : iterable of str
            As many.
        max_new_tokens : int, default=100
            Of each answer; fewer where it ends before.
        temperature : float, default=0.0
            0 always takes the likeliest token; 1 draws as likely as the model thinks.
        top_k, top_p, repetition_penalty
            See `Sampler`.
        random_state : int, Generator, RandomState or None, default=None
            Each image has a stream of its own.

        Returns
        -------
        list of str
            Without the prompt, and without white space around.

        Raises
        ------
        ValueError
            If images and prompts are not as many, a prompt does not fit the model, or a parameter
            is out of range.
        """
        check_count("max_new_tokens", max_new_tokens, 1)
        sampler = Sampler(
            temperature, top_k, top_p, repetition_penalty, banned=self._never_written()
        )
        images, prompts = _checked_pairs(images, prompts)
        generators = row_generators(seed_of(random_state, "sample"), len(images))
        answers = []
        for number, inputs in self._read(images, prompts):
            generator = generators[number]

            def choose(
                previous: torch.Tensor,
                logits: torch.Tensor,
                generator: torch.Generator = generator,
            ) -> int:
                before = [previous.cpu().numpy()]
                return int(sampler(logits, before, generator))

            tokens = self._write(inputs, choose, max_new_tokens, self._eos)
            answers.append(self._tokenizer.decode(tokens, skip_special_tokens=True).strip())
        return answers

    def log_likelihoods(self, images: Any, prompts: Any, answers: Any) -> NDArray[np.float64]:
        """How likely the model takes given answers to be.

        Parameters
        ----------
        images, prompts
            As for `generate`.
        answers : iterable of str
            As many. An empty one is certain: its logarithm is 0.

        Returns
        -------
        float64 ndarray (n,)
            Sums over the tokens of the answer, without one that ends it, in nats.

        Raises
        ------
        ValueError
            If images, prompts and answers are not as many, or a prompt does not fit the model.
        """
        images, prompts = _checked_pairs(images, prompts)
        answers = check_texts(answers, name="answers", allow_empty=True)
        _check_as_many("answers", answers, images)
        found = np.zeros(len(images))
        for number, inputs in self._read(images, prompts):
            tokens = self._tokenizer(answers[number], add_special_tokens=False)["input_ids"]
            if not tokens:
                continue
            left = iter(tokens)

            def force(
                _: torch.Tensor,
                logits: torch.Tensor,
                left: Iterator[int] = left,
                number: int = number,
            ) -> int:
                token = next(left)
                found[number] += float(torch.log_softmax(logits[0].double().cpu(), 0)[token])
                return token

            self._write(inputs, force, len(tokens), ())
        return found

    def _read(self, images: list[Any], prompts: list[str]) -> Iterator[tuple[int, Any]]:
        """The number of each pair, and its tensors on the device."""
        bar: Progress[Any]
        with progress(
            total=len(images), description="answering", verbose=self.verbose, unit="images"
        ) as bar:
            for number, (image, prompt) in enumerate(zip(images, prompts, strict=True)):
                picture = read_image(image, f"images[{number}]")
                try:
                    inputs = self._processed(picture, prompt)
                except (ValueError, IndexError, TypeError) as error:
                    reason = next(iter(str(error).splitlines()), type(error).__name__)
                    raise ValueError(
                        f"prompts[{number}] does not fit the model with images[{number}]: {reason}"
                    ) from error
                yield number, inputs.to(self._device, self.model_.dtype)
                bar.update()

    def _processed(self, picture: Any, prompt: str) -> Any:
        """Tensors of an image and a text, a batch of one."""
        processor = self.processor_
        if getattr(processor, "chat_template", None):
            content = [{"type": "image", "image": picture}, {"type": "text", "text": prompt}]
            return processor.apply_chat_template(
                [{"role": "user", "content": content}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
        token = getattr(processor, "image_token", None)
        if isinstance(token, str) and token not in prompt and not self._places_images:
            prompt = f"{token}\n{prompt}"
        return processor(images=picture, text=prompt, return_tensors="pt")

    @property
    def _places_images(self) -> bool:
        """Whether the processor puts the sign for an image into the text by itself."""
        return type(self.processor_).__name__ in _PLACING

    def _write(
        self,
        inputs: Any,
        choose: Callable[[torch.Tensor, torch.Tensor], int],
        max_new_tokens: int,
        eos: tuple[int, ...],
    ) -> list[int]:
        """Let the model read, and choose each next token; those that were chosen."""
        from transformers import LogitsProcessorList

        chooser = _Chooser(choose)
        settings = copy.deepcopy(self.model_.generation_config)
        settings.update(max_new_tokens=max_new_tokens, eos_token_id=list(eos) or None)
        with torch.inference_mode():
            self.model_.generate(
                **inputs,
                generation_config=settings,
                logits_processor=LogitsProcessorList([chooser]),
            )
        return chooser.tokens

    def _never_written(self) -> list[int]:
        """The sign for an image, where it is a token of the output."""
        output = self.model_.get_output_embeddings()
        config = self.model_.config
        token = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
        if output is None or token is None or not 0 <= token < len(output.weight):
            return []
        return [token]


class _Chooser:
    """Makes one token the only one that can follow, and notes it.

    So transformers' generation, which knows the caches and positions of each model, draws with the
    sampler of the house.
    """

    def __init__(self, choose: Callable[[torch.Tensor, torch.Tensor], int]) -> None:
        self._choose = choose
        self.tokens: list[int] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (1, V) that leave one token."""
        token = self._choose(input_ids[0], scores)
        self.tokens.append(token)
        only = torch.full_like(scores, float("-inf"))
        only[0, token] = 0.0
        return only


def _checked_pairs(images: Any, prompts: Any) -> tuple[list[Any], list[str]]:
    prompts = check_texts(prompts, name="prompts", allow_empty=True)
    images = check_images(images)
    _check_as_many("prompts", prompts, images)
    return images, prompts


def _check_as_many(name: str, texts: list[str], images: list[Any]) -> None:
    if len(texts) != len(images):
        raise ValueError(
            f"{name} must be as many as images, got {len(texts)} for {len(images)}; repeat one "
            "that is for all: [prompt] * n"
        )
