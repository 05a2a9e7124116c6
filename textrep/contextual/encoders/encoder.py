"""`Encoder`: a network of transformers with the tokenizer that it reads texts by."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from textrep.contextual.encoders.attention import (
    padding_mask,
    register,
    segment_mask,
    window_mask,
)
from textrep.contextual.encoders.shapes import make_config
from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer
from textrep.core.folders import atomic_folder
from textrep.core.messages import shown
from textrep.engine.batches import pad
from textrep.engine.seeding import torch_seed
from textrep.layers.masks import AttentionMask

_NO_LIMIT = 512  # tokens, of an architecture that has no limit of its own

# Architectures that count positions from the number of the padding on, as RoBERTa does.
_POSITIONS_FROM_PADDING = {
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}

# Names in transformers 5: of hooks that capture all layers, and of the sign that they are there.
_CAPTURING_HOOK = "output_capturing_hook"
_CAPTURING = "_output_capturing_hooks_installed"


class EncoderBatch(NamedTuple):
    """Rows as an encoder takes them.

    Attributes
    ----------
    ids : int64 tensor (B, T)
        Padded on the right.
    types : int64 tensor (B, T)
    lengths : int64 tensor (B,)
    """

    ids: Tensor
    types: Tensor
    lengths: Tensor


class Encoder:
    """A network of transformers with its tokenizer.

    It is no estimator: estimators have one as ``encoder_``. The outputs for a text are the same,
    alone or in a batch.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
    module : torch.nn.Module
        The bare encoder of that configuration, without a pooler.
    tokenizer : EncoderTokenizer
    max_length : int or None, default=None
        Tokens that it reads at once; None for as many as it has positions for, 512 where they are
        relative.

    Raises
    ------
    ValueError
        If the tokenizer puts the class token last, and the network is none of XLNet's, which alone
        has a type for it.

    Attributes
    ----------
    architecture : str
        As transformers calls it, such as "bert".
    n_layers, hidden_size, max_length : int
    cls_last : bool
        Whether the token of the class is the last of a row, as of XLNet.
    can_pack : bool
        Whether several texts can stand in one row, see `hidden`.

    Examples
    --------
    >>> tokenizer = EncoderTokenizer.train(["so much text, so little time"] * 3, vocab_size=60)
    >>> encoder = Encoder.new("bert", {"num_layers": 1, "hidden_size": 8}, tokenizer,
    ...                       max_length=16, seed=0)
    >>> batch = encoder.collate(tokenizer.rows(["so much", "time"], max_length=16))
    >>> encoder.hidden(batch).shape, batch.lengths.tolist()
    (torch.Size([2, 4, 8]), [4, 3])
    """

    def __init__(
        self,
        config: Any,
        module: nn.Module,
        tokenizer: EncoderTokenizer,
        *,
        max_length: int | None = None,
    ) -> None:
        self.config = config
        self.module = module
        self.tokenizer = tokenizer
        limit = positions_of(config)
        self.max_length = min(max_length or limit, limit) if limit else max_length or _NO_LIMIT
        names = inspect.signature(module.forward).parameters
        # RoBERTa has a single type, which says nothing.
        self._has_types = "token_type_ids" in names and getattr(config, "type_vocab_size", 2) > 1
        self.cls_last = tokenizer.layout == "xlnet"
        self._remembers = config.model_type == "xlnet"
        if self.cls_last and not self._remembers:
            raise ValueError(
                f"the tokenizer puts {tokenizer.tokens[tokenizer.cls_id]} last, as XLNet reads it; "
                f"for {config.model_type} take EncoderTokenizer(tokenizer.tokenizer, layout='bert')"
            )
        self._flat_mask = takes_flat_mask(config)
        self.can_pack = "position_ids" in names and not self._flat_mask

    @classmethod
    def new(
        cls,
        architecture: str,
        size: Any,
        tokenizer: EncoderTokenizer,
        *,
        max_length: int = 512,
        seed: int = 0,
        **changes: Any,
    ) -> Encoder:
        """An encoder with random weights.

        Parameters
        ----------
        architecture : str
        size : str or dict
        tokenizer : EncoderTokenizer
        max_length : int, default=512
        seed : int, default=0
            Of the weights.
        **changes
            ``dropout``, and whatever else `make_config` takes.

        Returns
        -------
        Encoder
            In evaluation mode.
        """
        config = make_config(architecture, size, tokenizer, max_length=max_length, **changes)
        with torch_seed(seed):
            module = bare_module(config)
        return cls(config, module, tokenizer, max_length=max_length)

    @classmethod
    def from_checkpoint(
        cls, checkpoint: str | os.PathLike[str], *, revision: str | None = None
    ) -> Encoder:
        """A published encoder; see `textrep.contextual.encoders.loading.load_encoder`."""
        from textrep.contextual.encoders.loading import load_encoder

        return load_encoder(checkpoint, revision=revision)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the encoder as transformers does, for its ``from_pretrained``.

        Parameters
        ----------
        folder : path
            Made, or replaced with all that is in it.
        """
        with atomic_folder(folder) as target:
            self.write(target, self.module)

    def write(self, folder: Any, module: Any) -> None:
        """Put a module of this encoder, with a head or without, and the tokenizer in a folder."""
        from textrep.generation.checkpoint_loading import quiet

        with quiet():
            module.save_pretrained(folder)
            self.tokenizer.save(folder, max_length=self.max_length)

    # ---- what it is

    @property
    def architecture(self) -> str:
        return str(self.config.model_type)

    @property
    def n_layers(self) -> int:
        return int(self.config.num_hidden_layers)

    @property
    def hidden_size(self) -> int:
        return int(self.config.hidden_size)

    @property
    def n_parameters(self) -> int:
        """Numbers that training sets, each counted once."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def copy(self) -> Encoder:
        """An encoder with weights of its own, and the same tokenizer."""
        module = copy.deepcopy(self.module)
        return Encoder(module.config, module, self.tokenizer, max_length=self.max_length)

    def forget_captures(self) -> None:
        """Take out what transformers puts into a module to give the vectors of all layers.

        It stays there, and cannot be pickled; whoever asks for all layers again gets it anew.
        """
        for module in self.module.modules():
            hooks = module._forward_hooks
            for key in [k for k, hook in hooks.items() if hook.__name__ == _CAPTURING_HOOK]:
                del hooks[key]
            vars(module).pop(_CAPTURING, None)

    def __getstate__(self) -> dict[str, Any]:
        self.forget_captures()
        return dict(vars(self))

    # ---- using

    def rows(self, texts: Any, pairs: Any = None, *, max_length: int | None = None) -> Any:
        """Rows of texts, cut to what the encoder reads at once, or to less."""
        length = self.max_length if max_length is None else min(max_length, self.max_length)
        return self.tokenizer.rows(texts, pairs, max_length=length)

    def collate(self, rows: Sequence[EncoderRow]) -> EncoderBatch:
        """Rows as a batch.

        Parameters
        ----------
        rows : sequence of EncoderRow

        Returns
        -------
        EncoderBatch
        """
        lengths = torch.tensor([len(row.ids) for row in rows], dtype=torch.int64)
        ids = pad([row.ids for row in rows], self.tokenizer.pad_id)
        return EncoderBatch(ids, pad([row.types for row in rows]), lengths)

    def hidden(
        self,
        batch: EncoderBatch,
        *,
        layers: str | None = None,
        segments: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> Any:
        """What the encoder makes of each token.

        Parameters
        ----------
        batch : EncoderBatch
            On the device of the module. What stands at padding is of no meaning.
        layers : {None, "all"}, default=None
            None for the last layer.
        segments : int64 tensor (B, T), optional
            Numbers of the texts in each row: no token sees those of another text. Not of XLNet.
        positions : int64 tensor (B, T), optional
            Place of each token in its text, counted from 0, where there are segments.

        Returns
        -------
        Tensor (B, T, D), or list of 1 + n_layers of them
            Embeddings first.
        """
        given: dict[str, Any] = {"input_ids": batch.ids}
        if segments is not None:
            if not self.can_pack:
                raise ValueError(f"{self.architecture} cannot read several texts in one row")
            assert positions is not None
            given["position_ids"] = positions + self._first_position
            mask: AttentionMask | None = segment_mask(segments)
        else:
            mask = padding_mask(batch.lengths, batch.ids.shape[1])
        given["attention_mask"] = self._attention_mask(mask, batch)
        if self._has_types:
            given["token_type_ids"] = batch.types
        if self._remembers:
            given["use_mems"] = False
        if layers is None:
            return self.module(**given).last_hidden_state
        if layers != "all":
            raise ValueError(f"layers must be None or 'all', got {shown(layers)}")
        return list(self.module(**given, output_hidden_states=True).hidden_states)

    @property
    def _first_position(self) -> int:
        embeddings = getattr(self.module, "embeddings", None)
        offset = getattr(embeddings, "padding_idx", None)  # RoBERTa counts from there
        return 0 if offset is None else int(offset) + 1

    def _attention_mask(self, mask: AttentionMask | None, batch: EncoderBatch) -> Any:
        """A mask in the form that the module takes."""
        if self._flat_mask:
            return None if mask is None else mask.keep[:, 0].long()
        full = None if mask is None else mask.additive()[:, None]
        types = getattr(self.config, "layer_types", None) or ()
        if "sliding_attention" not in types:
            return full
        width = batch.ids.shape[1]
        sliding = full
        if width > self.config.sliding_window + 1:
            near = window_mask(mask, width, self.config.sliding_window, batch.ids)
            sliding = near.additive()[:, None]
        return {"full_attention": full, "sliding_attention": sliding}


def bare_module(config: Any) -> nn.Module:
    """The encoder of a configuration with new weights, without a pooler, in evaluation mode."""
    from transformers import AutoModel

    config._attn_implementation = implementation_of(config)
    module = AutoModel.from_config(
        config, dtype=torch.float32, trust_remote_code=False, **without_pooler(config)
    )
    return module.eval()


def without_pooler(config: Any) -> dict[str, Any]:
    """What keeps the model of a configuration from having a pooler."""
    from transformers import MODEL_MAPPING

    model: Any = MODEL_MAPPING[type(config)]
    names = inspect.signature(model.__init__).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in names else {}


def implementation_of(config: Any) -> str:
    """What the modules of a configuration attend by: `attend`, where they let one choose."""
    from transformers import MODEL_MAPPING

    chooses = getattr(MODEL_MAPPING[type(config)], "_supports_attention_backend", False)
    name = register()
    return name if chooses else "eager"


def takes_flat_mask(config: Any) -> bool:
    """Whether the encoder of a configuration is told only which tokens are real, (B, T).

    What attends in a way of its own, such as DeBERTa and XLNet, makes of that what it needs, and
    may read a mask for each pair of tokens otherwise than others do.
    """
    sliding = "sliding_attention" in (getattr(config, "layer_types", None) or ())
    return implementation_of(config) == "eager" or (sliding and config.model_type != "modernbert")


def positions_of(config: Any) -> int | None:
    """How many tokens an encoder has positions for; None for no limit."""
    if config.model_type == "xlnet":
        return None
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return None
    if config.model_type in _POSITIONS_FROM_PADDING:
        limit -= int(config.pad_token_id) + 1
    return limit
