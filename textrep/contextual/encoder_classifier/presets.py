"""`EncoderClassifier` of one architecture each, with defaults that suit it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from textrep.contextual.encoder_classifier.encoder_classifier import EncoderClassifier

_ARCHITECTURE = "architecture"


def preset_init(**defaults: Any) -> Callable[..., None]:
    """A constructor with the parameters of `EncoderClassifier` but the architecture.

    Parameters
    ----------
    **defaults
        Those that are others.

    Returns
    -------
    callable
        Whose signature scikit-learn reads the parameters from.
    """
    general = inspect.signature(EncoderClassifier.__init__)
    parameters = [
        parameter.replace(default=defaults.get(name, parameter.default))
        for name, parameter in general.parameters.items()
        if name != _ARCHITECTURE
    ]
    signature = general.replace(parameters=parameters)

    def __init__(self: Any, **given: Any) -> None:
        bound = signature.bind(self, **given)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def preset_doc(summary: str, name: str, reference: str, **defaults: Any) -> str:
    """The documentation of a preset, with the parameters of `EncoderClassifier`.

    Parameters
    ----------
    summary : str
        Its first paragraphs.
    name : str
        Of the preset.
    reference : str
    **defaults
        As for `preset_init`.

    Returns
    -------
    str
    """
    whole = inspect.getdoc(EncoderClassifier) or ""
    start, end = whole.find("Parameters\n"), whole.find("See Also\n")
    described = whole[start:end].rstrip()
    first, last = described.find("\narchitecture : "), described.find("\nsize : ")
    described = described[:first] + described[last:]
    for parameter, value in defaults.items():
        line = next(line for line in described.split("\n") if line.startswith(f"{parameter} : "))
        own = json.dumps(value)  # strings in double quotes, as in the others
        described = described.replace(line, line.partition("default=")[0] + f"default={own}")
    example = f"""\
Examples
--------
>>> from textrep import {name}
>>> texts = ["a good film", "so good", "a bad film", "so bad"] * 6
>>> classifier = {name}(size={{"num_layers": 1, "hidden_size": 16}}, vocab_size=40,
...     pretrain_epochs=0, epochs=1, max_length=8, device="cpu", random_state=0)
>>> classifier.fit(texts, ["pos", "pos", "neg", "neg"] * 6).predict_proba(["a good one"]).shape
(1, 2)"""
    return f"{summary}\n\n{described}\n\nReferences\n----------\n{reference}\n\n{example}\n"


class BertClassifier(EncoderClassifier):
    architecture = "bert"
    __init__ = preset_init()
    __doc__ = preset_doc(
        "Texts -> classes by BERT, published or pre-trained here.",
        "BertClassifier",
        "J. Devlin et al.: BERT: Pre-training of deep bidirectional transformers for language\n"
        "understanding, NAACL 2019.",
    )


class ModernBertClassifier(EncoderClassifier):
    architecture = "modernbert"
    __init__ = preset_init()
    __doc__ = preset_doc(
        "Texts -> classes by ModernBERT, published or pre-trained here.\n\n"
        "Pre-trained on few texts, it learns more from them than BERT.",
        "ModernBertClassifier",
        "B. Warner et al.: Smarter, better, faster, longer: A modern bidirectional encoder for\n"
        "fast, memory efficient, and long context finetuning and inference, 2024.",
    )


class AlbertClassifier(EncoderClassifier):
    architecture = "albert"
    __init__ = preset_init(size="small")
    __doc__ = preset_doc(
        "Texts -> classes by ALBERT, published or pre-trained here.\n\n"
        "All its layers share their weights: a wide one is small in memory, but not fast.",
        "AlbertClassifier",
        "Z. Lan et al.: ALBERT: A lite BERT for self-supervised learning of language\n"
        "representations, ICLR 2020.",
        size="small",
    )


class DistilBertClassifier(EncoderClassifier):
    architecture = "distilbert"
    __init__ = preset_init()
    __doc__ = preset_doc(
        "Texts -> classes by DistilBERT, published or pre-trained here.\n\n"
        "It has no token types. `textrep.distill` makes one of a larger model.",
        "DistilBertClassifier",
        "V. Sanh et al.: DistilBERT, a distilled version of BERT: smaller, faster, cheaper and\n"
        "lighter, 2019.",
    )


class XLNetClassifier(EncoderClassifier):
    architecture = "xlnet"
    __init__ = preset_init()
    __doc__ = preset_doc(
        "Texts -> classes by XLNet, published or pre-trained here to predict tokens in any order.\n"
        "\nOf its layers, `lora_rank` reaches the feed-forward ones only.",
        "XLNetClassifier",
        "Z. Yang et al.: XLNet: Generalized autoregressive pretraining for language\n"
        "understanding, NeurIPS 2019.",
    )
