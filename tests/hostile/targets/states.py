"""What textrep keeps for itself, and checkpoints in the layout of Hugging Face."""

from __future__ import annotations

import functools
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import textrep
from tests.comparison.toy_results import make_result
from tests.estimators import TEXTS
from tests.hostile.mutations import mutated_json, mutated_model, mutated_zip
from tests.hostile.targets.models import ask
from tests.hostile.targets.target import Target
from textrep.comparison import load_model, save_model
from textrep.comparison.llm.cache import FILE, AnswerCache
from textrep.comparison.llm.reply import Reply
from textrep.comparison.workers.jobs import Answer, Figures, read_answer, write_answer
from textrep.embeddings import checkpoint as word_checkpoint
from textrep.engine import checkpoint as neural_checkpoint
from textrep.engine.processes import Processes
from textrep.music.tokens import MusicTokenizer

_IDENTITY = {"parameters": [1, "a"]}


def _kept(name: str, folder: Path) -> bytes:
    """The bytes of a file that is taken out of the folder."""
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    return data


# ---- interrupted training


def _word_arrays() -> dict[str, np.ndarray]:
    return {"inputs": np.zeros((3, 2), np.float32), "outputs": np.ones((3, 2), np.float32)}


def _word_training(folder: Path) -> bytes:
    checkpoint = word_checkpoint.Checkpoint(folder / "training", _word_arrays(), _IDENTITY)
    checkpoint.save(word_checkpoint.Place(1, 2, 0.5, 4.0, [0.7]))
    return _kept("training", folder)


def _resume_words(path: Path) -> object:
    arrays = _word_arrays()
    try:
        return word_checkpoint.Checkpoint(path, arrays, _IDENTITY).resume()
    except ValueError:
        # What is refused must not have been taken up in part.
        for name, array in _word_arrays().items():
            np.testing.assert_array_equal(arrays[name], array)
        raise


def _neural(path: Path) -> neural_checkpoint.Checkpoint:
    return neural_checkpoint.Checkpoint(path, _IDENTITY, Processes(torch.device("cpu")))


def _neural_training(folder: Path) -> bytes:
    tensors = {"model": {"weight": torch.ones(2, 3), "half": torch.ones(2).bfloat16()}}
    place = neural_checkpoint.Place(1, 2, 7, 0.5, [{"loss": 0.5}], 0.25, 1, {"loss": 1.0})
    _neural(folder / "training").save(place, tensors)
    return _kept("training", folder)


def _resume_neural(path: Path) -> object:
    return _neural(path).resume()


# ---- comparisons


def _saved_model(name: str, folder: Path) -> bytes:
    save_model(make_result(), folder)
    return _kept(name, folder)


def _predict(path: Path) -> object:
    model = load_model(path.parent)
    ask(lambda: model.predict_proba(["so much", "text"]))
    return model


def _answer(name: str, folder: Path) -> bytes:
    figures = Figures(0.5, 0.25, [0.1, 0.2], 100, settings={"alpha": 1.0}, notes=["n"])
    codes = np.array([0, 1, 1], np.int32)
    write_answer(folder, Answer(figures, codes, np.full((3, 2), 0.5, np.float32)))
    return _kept(name, folder)


def _read_answer(path: Path) -> object:
    answer = read_answer(path.parent)  # none where it cannot be read
    return None if answer is None else json.dumps(asdict(answer.figures), default=str)


def _answers_of_models(folder: Path) -> bytes:
    with AnswerCache(folder) as cache:
        cache.put("key", Reply("spam", None, 0.5))
    return _kept(FILE, folder)


def _ask_cache(path: Path) -> object:
    with AnswerCache(path.parent) as cache:
        return cache.get("key")


# ---- checkpoints of others


@functools.cache
def _gpt() -> Any:
    made = textrep.GPT(
        level="subword", vocab_size=270, num_layers=1, num_heads=2, hidden_size=8, max_length=12,
        epochs=1, device="cpu", random_state=0,
    )  # fmt: skip
    return made.fit(TEXTS)


def _gpt2(name: str, folder: Path) -> bytes:
    _gpt().save_pretrained(folder)
    return _kept(name, folder)


def _old_gpt2(folder: Path) -> bytes:
    """The weights as a pickle, which older checkpoints have."""
    from safetensors.torch import load

    weights = load(_gpt2("model.safetensors", folder))
    made = io.BytesIO()
    torch.save(weights, made)
    return made.getvalue()


def _read_gpt2(path: Path) -> object:
    return textrep.GPT.from_pretrained(path.parent)


def _tokenizer(folder: Path) -> bytes:
    return json.dumps(MusicTokenizer().to_state()).encode()


def _read_tokenizer(path: Path) -> object:
    return MusicTokenizer.from_state(_json(path)).decode([1, 2, 3])


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


STATES = (
    Target("checkpoint of words", "training", _word_training, _resume_words, mutated_model),
    Target("checkpoint of networks", "training", _neural_training, _resume_neural, mutated_model),
    Target(
        *("card of a saved model", "card.json", functools.partial(_saved_model, "card.json")),
        *(_predict, mutated_json),
    ),
    Target(
        *("model of a comparison", "model.textrep"),
        *(functools.partial(_saved_model, "model.textrep"), _predict, mutated_model),
        named=False,  # or the folder
    ),
    Target(
        *("figures of a job", "figures.json", functools.partial(_answer, "figures.json")),
        *(_read_answer, mutated_json),
    ),
    Target(
        *("arrays of a job", "arrays.npz", functools.partial(_answer, "arrays.npz")),
        *(_read_answer, mutated_zip),
    ),
    Target("answers of hosted models", FILE, _answers_of_models, _ask_cache, leaves=True),
    Target(
        *("gpt2 settings", "config.json", functools.partial(_gpt2, "config.json")),
        *(_read_gpt2, mutated_json),
        named=False,  # or the folder
    ),
    Target(
        *("gpt2 weights", "model.safetensors", functools.partial(_gpt2, "model.safetensors")),
        _read_gpt2,
        named=False,
    ),
    Target(
        *("gpt2 old weights", "pytorch_model.bin", _old_gpt2, _read_gpt2, mutated_zip),
        named=False,
    ),
    Target(
        *("gpt2 tokenizer", "tokenizer.json", functools.partial(_gpt2, "tokenizer.json")),
        *(_read_gpt2, mutated_json),
        named=False,
    ),
    Target(
        *("tokens of music", "tokenizer.json", _tokenizer, _read_tokenizer, mutated_json),
        named=False,  # there is no file
    ),
)
