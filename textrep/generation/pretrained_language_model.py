"""`PretrainedLanguageModel`: language models that others have published, of any size."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.core.container import PersistError
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count
from textrep.engine.device import choose_device, choose_precision
from textrep.generation.checkpoint_loading import Checkpoint, load_checkpoint, resolved
from textrep.generation.checkpoint_module import CheckpointContinuation, CheckpointModule
from textrep.generation.continuing import TextPieces
from textrep.generation.sampling import Sampler
from textrep.generation.window_likelihood import scores_of_windows
from textrep.generation.windowed_language_model import WindowedLanguageModel
from textrep.preprocess.tokenizer_codec import TokenizerCodec

_MOST_LOGITS = 2**27  # that are held at once, 512 MB
_MOST_SCORED = 4096  # tokens of a window in which texts are scored


class PretrainedLanguageModel(WindowedLanguageModel):
    """Score texts and write on with a published model: Llama, Qwen, GPT-NeoX and the like.

    transformers computes what comes next, on any of its causal language models; cutting texts,
    choosing tokens and scoring are those of the other language models here. Nothing is learnt from
    texts: `fit` loads the model.

    Parameters
    ----------
    checkpoint : path or str
        Folder of a model in the layout of Hugging Face, or its name on the hub, from where it is
        fetched once. Code that comes with a model is not run.
    revision : str or None, default=None
        Branch, tag or commit of a model of the hub.
    max_length : int or None, default=None
        Tokens that the model sees at once; None for as many as it can.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is. The model stays there.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Of weights and computation; "auto" takes bf16 on a GPU that has it.

    Attributes
    ----------
    codec_ : TokenizerCodec
        How texts are cut and numbered.
    tokenizer_ : transformers.PreTrainedTokenizerBase
        The tokenizer as transformers has it, with its chat template.
    module_ : CheckpointModule
        The network; ``module_.model`` is that of transformers.
    checkpoint_ : str
        Absolute path of the folder, or name on the hub.
    revision_ : str or None
        Commit on the hub.

    See Also
    --------
    GPT : Trained here, and takes up GPT-2 without transformers.
    textrep.generation.Chat : A conversation with an instruction checkpoint.

    Notes
    -----
    Each text stands after the token that begins texts, or, of models without one, the token that
    ends them. Texts longer than `max_length` or 4,096 tokens are scored in windows that overlap by
    half.

    A file of `save` holds where the checkpoint is, not its weights; loading it asks no server.

    Examples
    --------
    >>> import tempfile
    >>> from textrep import GPT, PretrainedLanguageModel
    >>> model = GPT(vocab_size=270, num_layers=1, num_heads=2, hidden_size=8, max_length=8,
    ...             epochs=1, device="cpu", random_state=0).fit(["so much text"] * 20)
    >>> folder = tempfile.mkdtemp() + "/checkpoint"
    >>> model.save_pretrained(folder)
    >>> published = PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()
    >>> bool(abs(published.score(["so much"]) - model.score(["so much"])) < 1e-5)
    True
    """

    module_: CheckpointModule
    codec_: TokenizerCodec
    tokenizer_: Any
    checkpoint_: str
    revision_: str | None

    def __init__(
        self,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        max_length: int | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.checkpoint = checkpoint
        self.revision = revision
        self.max_length = max_length
        self.device = device
        self.precision = precision

    def fit(self, X: Any = (), y: Any = None) -> Self:
        """Load the model.

        Parameters
        ----------
        X : iterable of str, default=()
            Only checked.
        y : ignored

        Returns
        -------
        self : PretrainedLanguageModel

        Raises
        ------
        TextInputError
            If `X` holds something else than texts.
        ValueError
            If a parameter is out of its range, or the checkpoint is of another kind.
        DataError
            If the checkpoint is not there, damaged or incomplete.
        ModuleNotFoundError
            If transformers is not installed.
        """
        if not isinstance(X, os.PathLike):
            check_texts(X, name="X", allow_empty=True)
        self._load(resolved(self.checkpoint), self.revision)
        return self

    def _load(self, name: str, revision: str | None, *, offline: bool = False) -> None:
        if self.max_length is not None:
            check_count("max_length", self.max_length, 1)
        precision = choose_precision(self.precision, choose_device(self.device))
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        found = load_checkpoint(name, revision, dtype, offline=offline)
        module = CheckpointModule(found.model, self.max_length).eval()
        self.codec_ = _codec_of(found, module.vocabulary_size)
        self.tokenizer_ = found.tokenizer
        self.module_ = module
        self.checkpoint_, self.revision_ = name, found.revision
        self._ends = frozenset([self.codec_.EOS, *found.ends])

    @property
    def _begin(self) -> int:
        """The token that stands before a text."""
        bos = self.codec_.BOS
        return self.codec_.EOS if bos is None else bos

    # ---- the module stays on its device: to move it takes longer than most calls

    @contextlib.contextmanager
    def _lent_module(self) -> Iterator[nn.Module]:
        yield self._own_module()

    def _own_module(self) -> nn.Module:
        return self.module_.to(choose_device(self.device))

    # ---- using

    def _unwritten(self) -> list[int]:
        known = self.module_.vocabulary_size  # the tokenizer may have more
        return [n for n in super()._unwritten() if n not in self._ends and n < known]

    def _of_continuations(
        self, prompts: list[NDArray[np.int32]], continuations: list[NDArray[np.int32]]
    ) -> NDArray[np.float64]:
        pairs = list(zip(prompts, continuations, strict=True))
        rows = [np.array([self._begin, *first, *rest], dtype=np.int32) for first, rest in pairs]
        found = self._of_tokens(rows, [len(first) + 1 for first, _ in pairs])
        return np.array([values.sum() for values in found])

    def _of_tokens(
        self, rows: list[NDArray[np.int32]], skipped: list[int] | None = None
    ) -> list[NDArray[np.float64]]:
        with self._lent_module() as module:
            return scores_of_windows(
                module,
                rows,
                device=choose_device(self.device),
                precision="fp32",  # as the weights are: nothing is cast
                skipped=skipped,
                window=min(self.module_.max_length, _MOST_SCORED),
                max_tokens=max(1, _MOST_LOGITS // self.module_.vocabulary_size),
            )

    def _continuation(
        self,
        module: Any,
        rows: list[NDArray[np.int32]],
        sampler: Sampler,
        generators: Sequence[torch.Generator],
    ) -> CheckpointContinuation:
        begun = [np.array([self._begin, *row]) for row in rows]
        return CheckpointContinuation(module, begun, sampler, generators, ends=self._ends)

    def continue_tokens(
        self,
        ids: Sequence[int],
        sampler: Sampler,
        generator: torch.Generator,
        max_new_tokens: int,
    ) -> Iterator[str]:
        """Continue tokens as they are, with nothing before them, piece by piece.

        Parameters
        ----------
        ids : sequence of int
            At least one.
        sampler : Sampler
        generator : torch.Generator
        max_new_tokens : int

        Returns
        -------
        iterator of str
        """
        self._check_fitted()
        row = np.array(ids, dtype=np.int64)
        module: Any = self._own_module()
        continuation = CheckpointContinuation(module, [row], sampler, [generator], ends=self._ends)
        pieces = TextPieces(self.codec_, row[:0])
        for step in continuation.steps(max_new_tokens):
            if piece := pieces.push(step[0][1]):
                yield piece
        if piece := pieces.finish():
            yield piece

    # ---- saving

    def _get_state(self) -> dict[str, Any]:
        if "module_" not in vars(self):
            return {}
        return {"checkpoint_": self.checkpoint_, "revision_": self.revision_}

    def _loading(self, n_bytes: int, n_arrays: int) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()  # the weights are in the checkpoint, not in the file

    def _set_state(self, state: dict[str, Any]) -> None:
        if not state:
            return
        name, revision = state.get("checkpoint_"), state.get("revision_")
        if not isinstance(name, str) or not isinstance(revision, str | None):
            raise PersistError(
                "the state of a PretrainedLanguageModel says where its checkpoint is"
            )
        try:
            # A file of others must not make this machine fetch anything.
            self._load(name, revision, offline=True)
        except (ValueError, OSError) as error:
            raise PersistError(
                f"its checkpoint, which is not part of the file, cannot be loaded: {error}. "
                "PretrainedLanguageModel(checkpoint=...).fit() takes one from another place, or "
                "fetches it"
            ) from error


def _codec_of(found: Checkpoint, size: int) -> TokenizerCodec:
    """The tokenizer as a codec, with as many numbers as there are scores at least."""
    ends = found.tokenizer.eos_token
    if ends is None and found.ends:
        ends = found.tokenizer.convert_ids_to_tokens(found.ends[0])
    codec = TokenizerCodec(found.tokenizer, eos=ends)
    if len(codec) <= size:
        return TokenizerCodec(found.tokenizer, eos=ends, size=size)
    # Added tokens, such as Gemma's for pictures, come of no text that is cut.
    added = codec.tokenizer.get_added_tokens_decoder()
    needed = max(codec.EOS, codec.BOS or 0)
    if needed >= size or any(number not in added for number in range(size, len(codec))):
        raise ValueError(
            f"the tokenizer has {len(codec):,} tokens, and the model knows {size:,} of them only"
        )
    return codec
