"""GPT-2 checkpoints in the layout of Hugging Face, read and written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textrep.core.files import checked_folder
from textrep.core.folders import atomic_folder
from textrep.core.messages import printable, shown
from textrep.data.errors import DataError
from textrep.engine.estimator import weights_of
from textrep.generation.checkpoint_weights import WEIGHTS_FILE, read_weights, write_weights
from textrep.generation.gpt2_tokenizer import write_tokenizer
from textrep.layers.feed_forward import FeedForward
from textrep.preprocess.tokenizer_codec import TokenizerCodec

if TYPE_CHECKING:
    from textrep.generation.gpt import GPT

CONFIG_FILE = "config.json"
_KNOWN_SUFFIXES = (".json", ".safetensors", ".jinja", ".txt", ".md")  # what a checkpoint holds

_ACTIVATIONS = {"gelu_new": "gelu-tanh", "gelu": "gelu", "relu": "relu"}  # theirs -> ours
_READ_ACTIVATIONS = {**_ACTIVATIONS, "gelu_pytorch_tanh": "gelu-tanh"}
_DROPOUT = 0.1  # transformers' where the settings do not say it
_EPSILON = 1e-5  # of GPT-2's norms and of ours

_IN_BLOCK = re.compile(r"^stack\.blocks\.\d+\.")

# Settings of transformers under which a GPT-2 computes something else.
_EXPECTED = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "layer_norm_epsilon": _EPSILON,
}

# Parameters of a GPT under which GPT-2 computes the same.
_AS_GPT2 = {
    "norm": "pre",
    "norm_kind": "layer",
    "positions": "learned",
    "attention": "full",
    "bias": True,
    "output_bias": False,
}


class _Weight(NamedTuple):
    """One weight: its names, and how it lies there."""

    ours: str
    theirs: str
    transposed: bool  # linear layers of GPT-2 are written (in, out)


def read_gpt2(
    folder: str | os.PathLike[str],
) -> tuple[dict[str, Any], TokenizerCodec, dict[str, np.ndarray]]:
    """Read a checkpoint.

    Parameters
    ----------
    folder : path

    Returns
    -------
    params : dict
        Parameters of `GPT`.
    codec : TokenizerCodec
    weights : dict of str to float32 ndarray
        As `textrep.engine.estimator.weights_of` gives them.

    Raises
    ------
    ValueError
        If it is no GPT-2, or one that `GPT` cannot be; the message says in what.
    DataError
        If a file is missing or broken.
    """
    path = checked_folder(folder)
    config = _read_config(path)
    params = _params(config, path)
    their_weights = read_weights(path)
    weights = dict(_ours(their_weights, params, path))
    codec = _read_codec(path, config)
    rows = len(weights["embedding.weight"])
    if rows != len(codec):
        raise DataError(f"{rows} tokens have weights, and vocab_size is {len(codec)}", path=path)
    return params, codec, weights


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", path=path) from None
    if not isinstance(config, dict):
        raise DataError("holds no mapping of settings", path=path)
    kind = config.get("model_type")
    if kind != "gpt2":
        raise ValueError(
            f"{printable(str(folder))} holds a model of type {shown(kind)}, not 'gpt2'; "
            "PretrainedLanguageModel runs those of other types"
        )
    for name, expected in _EXPECTED.items():
        if (found := config.get(name, expected)) != expected:
            raise ValueError(
                f"{printable(str(path))}: {name} is {shown(found)}; a GPT has {expected!r}. "
                "PretrainedLanguageModel runs it as it is"
            )
    return config


def _params(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    activation = config.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in _READ_ACTIVATIONS:
        raise ValueError(
            f"{printable(str(path))}: activation_function is {shown(activation)}; a GPT has "
            f"{', '.join(_READ_ACTIVATIONS)}"
        )
    size = _count(config, "n_embd", path)
    inner = config.get("n_inner")
    return {
        "level": "subword",
        "vocab_size": _count(config, "vocab_size", path),
        "num_layers": _count(config, "n_layer", path),
        "num_heads": _count(config, "n_head", path),
        "hidden_size": size,
        "inner_size": None if inner is None else _count(config, "n_inner", path),
        "max_length": _count(config, "n_positions", path),
        "activation": _READ_ACTIVATIONS[activation],
        "dropout": _share(config, "resid_pdrop", path),
        "tie_weights": bool(config.get("tie_word_embeddings", True)),
    }


def _count(config: dict[str, Any], name: str, path: Path) -> int:
    value = config.get(name)
    if type(value) is not int or value < 1:
        raise DataError(f"{name} is {shown(value)}; expected a whole number above 0", path=path)
    return value


def _share(config: dict[str, Any], name: str, path: Path) -> float:
    value = config.get(name, _DROPOUT)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise DataError(f"{name} is {shown(value)}; expected a number from 0 to below 1", path=path)
    return float(value)


def _read_codec(folder: Path, config: dict[str, Any]) -> TokenizerCodec:
    # ValueErrors of the codec name the folder.
    codec = TokenizerCodec(folder, size=None)
    size = config["vocab_size"]
    if len(codec) > size:
        raise DataError(
            f"the tokenizer has {len(codec)} tokens, and vocab_size is {size}", path=folder
        )
    return TokenizerCodec(folder, size=size)


def _layout(n_layers: int, tied: bool) -> Iterator[_Weight]:
    """All weights of a model."""
    yield _Weight("embedding.weight", "wte.weight", False)
    yield _Weight("positions.weight", "wpe.weight", False)
    for number in range(n_layers):
        ours, theirs = f"stack.blocks.{number}", f"h.{number}"
        for kind in ("weight", "bias"):
            linear = kind == "weight"
            yield _Weight(f"{ours}.attention_norm.{kind}", f"{theirs}.ln_1.{kind}", False)
            yield _Weight(f"{ours}.attention.qkv.{kind}", f"{theirs}.attn.c_attn.{kind}", linear)
            yield _Weight(f"{ours}.attention.out.{kind}", f"{theirs}.attn.c_proj.{kind}", linear)
            yield _Weight(f"{ours}.feed_forward_norm.{kind}", f"{theirs}.ln_2.{kind}", False)
            yield _Weight(f"{ours}.feed_forward.up.{kind}", f"{theirs}.mlp.c_fc.{kind}", linear)
            yield _Weight(f"{ours}.feed_forward.down.{kind}", f"{theirs}.mlp.c_proj.{kind}", linear)
    yield _Weight("stack.norm.weight", "ln_f.weight", False)
    yield _Weight("stack.norm.bias", "ln_f.bias", False)
    if not tied:
        yield _Weight("output.table", "lm_head.weight", False)


def _ours(
    theirs: dict[str, np.ndarray], params: dict[str, Any], folder: Path
) -> Iterator[tuple[str, np.ndarray]]:
    """Weights under our names; what is there beside them, such as masks, is left."""
    # As OpenAI published them there is no prefix.
    named = {name.removeprefix("transformer."): array for name, array in theirs.items()}
    shapes = _shapes(params)
    for weight in _layout(params["num_layers"], params["tie_weights"]):
        if weight.theirs not in named:
            raise DataError(f"the weight {weight.theirs!r} is missing", path=folder)
        array = named[weight.theirs]
        array = array.T if weight.transposed else array
        expected = shapes[_IN_BLOCK.sub("", weight.ours)]
        if array.shape != expected:
            there = expected[::-1] if weight.transposed else expected
            raise DataError(
                f"the weight {weight.theirs!r} is of shape {named[weight.theirs].shape}, and the "
                f"settings make it {there}",
                path=folder,
            )
        yield weight.ours, np.ascontiguousarray(array)


def _shapes(params: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shape of each weight, by what its name is within a block, or without one."""
    size, rows = params["hidden_size"], params["vocab_size"]
    inner = params["inner_size"] or 4 * size
    shapes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (rows, size),
        "positions.weight": (params["max_length"], size),
        "output.table": (rows, size),
        "attention.qkv.weight": (3 * size, size),
        "attention.qkv.bias": (3 * size,),
        "attention.out.weight": (size, size),
        "feed_forward.up.weight": (inner, size),
        "feed_forward.up.bias": (inner,),
        "feed_forward.down.weight": (size, inner),
    }
    vectors = [
        f"{where}.{kind}"
        for where in ("attention_norm", "feed_forward_norm", "stack.norm")
        for kind in ("weight", "bias")
    ]
    vectors += ["attention.out.bias", "feed_forward.down.bias"]
    return {**shapes, **dict.fromkeys(vectors, (size,))}


def write_gpt2(model: GPT, folder: str | os.PathLike[str]) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    model : fitted GPT
    folder : path
        Made, or replaced as a whole where it holds a checkpoint.

    Raises
    ------
    ValueError
        If the model is none that GPT-2 could be, or the folder holds something else.
    OSError
        If it cannot be written.
    """
    _check_model(model)
    path = Path(folder)
    _check_target(path)
    layout = _layout(model.num_layers, model.tie_weights)
    ours = weights_of(model.module_)
    weights = {
        ("" if weight.theirs.startswith("lm_head") else "transformer.") + weight.theirs: (
            ours[weight.ours].T if weight.transposed else ours[weight.ours]
        )
        for weight in layout
    }
    with atomic_folder(path) as made:
        write_tokenizer(model.codec_, made, model.max_length)
        (made / CONFIG_FILE).write_text(json.dumps(_config(model), indent=2) + "\n", "utf-8")
        write_weights(weights, made / WEIGHTS_FILE)


def _check_model(model: GPT) -> None:
    differing = [
        f"{name}={getattr(model, name)!r} (GPT-2: {value!r})"
        for name, value in _AS_GPT2.items()
        if getattr(model, name) != value
    ]
    if model.activation not in _ACTIVATIONS.values():
        differing.append(f"activation={model.activation!r}")
    blocks = model.module_.stack.blocks
    if any(type(block.feed_forward) is not FeedForward for block in blocks):
        differing.append("its feed-forward layers are others")
    if differing:
        raise ValueError(
            f"this {type(model).__name__} cannot be written as a GPT-2: {', '.join(differing)}; "
            "save() writes it as a file of textrep"
        )


def _check_target(folder: Path) -> None:
    """Refuse to replace a folder that holds other things than a checkpoint."""
    if not folder.is_dir():
        return
    held = sorted(folder.iterdir())
    foreign = [file for file in held if file.is_dir() or file.suffix not in _KNOWN_SUFFIXES]
    if held and (foreign or not (folder / CONFIG_FILE).is_file()):
        raise ValueError(
            f"{printable(str(folder))} holds {printable((foreign or held)[0].name)!r}, which would "
            "be deleted: a checkpoint takes the place of all of a folder. Give a new one"
        )


def _config(model: GPT) -> dict[str, Any]:
    theirs = {ours: name for name, ours in _ACTIVATIONS.items()}
    eos = model.codec_.EOS
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": len(model.codec_),
        "n_positions": int(model.max_length),
        "n_embd": int(model.hidden_size),
        "n_layer": int(model.num_layers),
        "n_head": int(model.num_heads),
        "n_inner": None if model.inner_size is None else int(model.inner_size),
        "activation_function": theirs[model.activation],
        "layer_norm_epsilon": _EPSILON,
        "resid_pdrop": float(model.dropout),
        "embd_pdrop": float(model.dropout),
        "attn_pdrop": float(model.dropout),
        "tie_word_embeddings": bool(model.tie_weights),
        # What ends a text stands before it, too.
        "bos_token_id": eos,
        "eos_token_id": eos,
        "dtype": "float32",
    }
