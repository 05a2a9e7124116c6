"""A fine-tuned classifier in the layout of Hugging Face."""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np
from torch import nn

from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoder_classifier.targets import MULTI, REGRESSION, SINGLE
from textrep.core.folders import atomic_folder

_PROBLEMS = {
    SINGLE: "single_label_classification",
    MULTI: "multi_label_classification",
    REGRESSION: "regression",
}

# Type of network -> where transformers' classifier has what the head has.
_PLACES = {
    "bert": {"dense": "bert.pooler.dense", "output": "classifier"},
    "albert": {"dense": "albert.pooler", "output": "classifier"},
    "distilbert": {"dense": "pre_classifier", "output": "classifier"},
    "roberta": {"dense": "classifier.dense", "output": "classifier.out_proj"},
    "electra": {"dense": "classifier.dense", "output": "classifier.out_proj"},
    "xlnet": {"dense": "sequence_summary.summary", "output": "logits_proj"},
    "modernbert": {"dense": "head.dense", "norm": "head.norm", "output": "classifier"},
}
_MEAN_TOO = ("modernbert",)  # whose classifier of transformers can take the mean


def save_classifier(
    module: EncoderClassifierModule,
    folder: str | os.PathLike[str],
    *,
    problem: str,
    pooling: str,
    classes: np.ndarray | None,
) -> None:
    """Write a folder that ``AutoModelForSequenceClassification.from_pretrained`` reads.

    Parameters
    ----------
    module : EncoderClassifierModule
    folder : path
        Made, or replaced with all that is in it.
    problem, pooling : str
    classes : ndarray or None
        Whose names the configuration gets.

    Raises
    ------
    ValueError
        If transformers' classifier of this type of network does not compute the same.
    """
    kind = module.encoder.architecture
    if kind not in _PLACES:
        raise ValueError(
            f"save_pretrained knows the classifiers of {', '.join(_PLACES)}, not of {kind!r}; "
            "encoder_.save_pretrained writes the encoder alone"
        )
    if pooling != "cls" and not (pooling == "mean" and kind in _MEAN_TOO):
        raise ValueError(
            f"pooling={pooling!r}: the classifier of transformers for {kind!r} reads the token of "
            "the class only; fit with pooling='cls', or write the encoder alone by "
            "encoder_.save_pretrained"
        )
    model = _new_classifier(module, problem, pooling, classes)
    body = getattr(model, model.base_model_prefix)
    body.load_state_dict(module.network.state_dict(), strict=False)
    for own, place in _PLACES[kind].items():
        target: nn.Module = model.get_submodule(place)
        target.load_state_dict(module.head.get_submodule(own).state_dict())
    with atomic_folder(folder) as made:
        module.encoder.write(made, model)


def _new_classifier(
    module: EncoderClassifierModule, problem: str, pooling: str, classes: np.ndarray | None
) -> Any:
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(module.encoder.config)
    names = [str(label) for label in classes.tolist()] if classes is not None else ["value"]
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    config.problem_type = _PROBLEMS[problem]
    config.classifier_pooling = pooling
    if module.encoder.cls_last:
        config.summary_use_proj, config.summary_activation = True, "tanh"
    return AutoModelForSequenceClassification.from_config(
        config, attn_implementation="eager", trust_remote_code=False
    ).eval()
