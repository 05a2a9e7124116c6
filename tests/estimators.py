"""Every public estimator, with what the contract test has to know about it.

A new estimator joins by an entry here; tests/test_contract.py fails until it does.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.feature_extraction import text as sklearn_text
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from tests.comparison.llm.server import standing
from tests.generation.checkpoints import standing_checkpoint
from textrep.music.score import Score, Track

TEXTS = [
    "It was the best of times, it was the worst of times,",
    "it was the age of wisdom, it was the age of foolishness,",
    "it was the epoch of belief, it was the epoch of incredulity,",
    "it was the season of Light, it was the season of Darkness,",
    "it was the spring of hope, it was the winter of despair,",
    "we had everything before us, we had nothing before us,",
    "we were all going direct to Heaven,",
    "we were all going direct the other way.",
    "Ähnlich naïve 文字 ging es weiter.",
    "",
    "In short, the period was so far like the present period,",
    "that some of its noisiest authorities insisted on its being received.",
]
"""Twelve short texts; one is empty, one is not ASCII."""

LABELS = ["a", "b"] * 6

PICTURES = np.random.default_rng(0).random((12, 1, 8, 8), dtype=np.float32)
"""As many pictures."""

PHRASES = [*(np.random.default_rng(0).random((12, 2, 2, 4, 12)).argsort(axis=-1) == 0)]
"""As many phrases of two tracks that play a note at a time."""

CHORDS = [*(np.random.default_rng(0).random((12, 6, 88)) < 0.05)]
"""As many rolls."""

MELODIES = [[(60 + i % 3, 12), (-1, 6), (64, 12), (67 + i % 2, 6)] for i in range(12)]
"""As many melodies."""

SCORES = [
    Score([Track([(480 * k, 480, pitch, 90) for k, (pitch, _) in enumerate(melody) if pitch > 0])])
    for melody in MELODIES
]
"""As many scores."""

WAVES = [*np.random.default_rng(0).uniform(-0.5, 0.5, (12, 512)).astype(np.float32)]
"""As many sounds."""


@dataclass(frozen=True)
class Entry:
    """One estimator of the contract test.

    Attributes
    ----------
    estimator : type
        The class.
    params : mapping
        Parameters that make it fast on `TEXTS`.
    fitted : tuple of str
        Attributes that fitting sets; empty for an estimator without a fitted state.
    grid : mapping
        One parameter with two values, for GridSearchCV.
    counts_in : bool
        Whether it takes a matrix of counts; texts otherwise.
    drop_in_for : type or None
        The scikit-learn class whose messages about texts it keeps.
    verb : {"transform", "predict", "log_likelihoods"}
        What it does with data once it is fitted.
    texts_out : bool
        Whether it makes texts of texts.
    nested : bool
        Whether it holds estimators, which equal only themselves.
    tagged : bool
        Whether it learns from, and answers with, a label for each word of a text.
    pictures_in : bool
        Whether it takes pictures; texts otherwise.
    pictures_out : bool
        Whether it makes pictures of them, which no classifier takes.
    pieces : list or None
        Twelve pieces of music, where it takes such; texts otherwise.
    """

    estimator: type
    params: Mapping[str, Any] = field(default_factory=dict)
    fitted: tuple[str, ...] = ()
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    counts_in: bool = False
    drop_in_for: type | None = None
    verb: str = "transform"
    texts_out: bool = False
    nested: bool = False
    tagged: bool = False
    pictures_in: bool = False
    pictures_out: bool = False
    pieces: list[Any] | None = None

    def make(self) -> Any:
        return self.estimator(**self.params)

    def peer(self) -> Any:
        """scikit-learn's estimator whose messages about its input it keeps, or None."""
        if self.drop_in_for is not None:
            return self.drop_in_for(**({} if self.nested else self.params))
        # What takes counts leaves them to scikit-learn's own check of matrices.
        return sklearn_text.TfidfTransformer() if self.counts_in else None

    def pipeline_data(self) -> Any:
        """What goes into a pipeline with it, in which texts are counted for it if need be."""
        own = self.pictures_in or self.pieces is not None
        return self.data() if own else list(TEXTS)

    @property
    def labels(self) -> Any:
        """What it learns from beside `data`."""
        if self.tagged:
            pairs = zip(TEXTS, LABELS, strict=True)
            return [[label] * len(text.split()) for text, label in pairs]
        return LABELS

    def data(self) -> Any:
        if self.pictures_in:
            return PICTURES.copy()
        if self.pieces is not None:
            return copy.deepcopy(self.pieces)
        if not self.counts_in:
            return list(TEXTS)
        return scipy.sparse.csr_matrix(sklearn_text.CountVectorizer().fit_transform(TEXTS))


SMALL_ENCODER = {
    "size": {"hidden_size": 8, "num_layers": 1},
    "vocab_size": 90,
    "max_length": 16,
    "pretrain_epochs": 0,
    "epochs": 2,
    "device": "cpu",
    "random_state": 0,
}
"""Of an encoder that starts from random weights."""

PUBLIC_ESTIMATORS = [
    Entry(
        textrep.Autoencoder,
        params={"code_size": 3, "hidden": (8,), "epochs": 2, "device": "cpu", "random_state": 0},
        fitted=("n_channels_", "image_size_", "n_features_in_", "n_epochs_", "stopped_early_"),
        grid={"code_size": [2, 3]},
        pictures_in=True,
    ),
    Entry(
        textrep.VAE,
        params={"code_size": 3, "hidden": (8,), "epochs": 2, "device": "cpu", "random_state": 0},
        fitted=("n_channels_", "image_size_", "n_features_in_", "n_epochs_", "stopped_early_"),
        grid={"code_size": [2, 3]},
        pictures_in=True,
    ),
    Entry(
        textrep.GAN,
        params={
            "channels": 2,
            "latent_size": 4,
            "epochs": 2,
            "batch_size": 4,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_", "n_channels_", "image_size_"),
        grid={"architecture": ["dcgan", "style"]},
        pictures_in=True,
    ),
    Entry(
        textrep.CycleGAN,
        params={
            "channels": 2,
            "n_blocks": 1,
            "n_layers": 1,
            "epochs": 1,
            "batch_size": 4,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("domains_", "n_epochs_", "n_channels_", "image_size_"),
        grid={"generator": ["resnet", "unet"]},
        pictures_in=True,
        pictures_out=True,
    ),
    Entry(
        textrep.StyleTransfer,
        params={"steps": 1, "device": "cpu", "random_state": 0},
        fitted=("content_layers_", "style_layers_", "grams_", "n_channels_", "image_size_"),
        grid={"start": ["content", "noise"]},
        pictures_in=True,
        pictures_out=True,
    ),
    Entry(
        textrep.Diffusion,
        params={
            "space": "pixel",
            "channels": (4,),
            "blocks": 1,
            "num_heads": 1,
            "n_steps": 10,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_channels_", "image_size_", "n_epochs_", "stopped_early_"),
        grid={"prediction": ["v", "epsilon"]},
        pictures_in=True,
    ),
    Entry(
        textrep.ResNetClassifier,
        params={
            "channels": (4,),
            "blocks": 1,
            "feature_size": 4,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_channels_", "image_size_", "n_epochs_", "stopped_early_"),
        grid={"blocks": [1, 2]},
        verb="predict",
        pictures_in=True,
    ),
    Entry(
        textrep.TextToImage,
        params={
            "space": "pixel",
            "text_size": 4,
            "text_layers": 1,
            "text_heads": 1,
            "channels": (4,),
            "blocks": 1,
            "num_heads": 1,
            "n_steps": 10,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_tokens_", "n_channels_", "image_size_", "n_epochs_", "stopped_early_"),
        grid={"text_layers": [1, 2]},
        pictures_in=True,
    ),
    Entry(
        textrep.VisionTransformerClassifier,
        params={
            "hidden_size": 4,
            "num_heads": 1,
            "num_layers": 1,
            "feature_size": 4,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_channels_", "image_size_", "n_epochs_", "stopped_early_"),
        grid={"patch_size": [2, 4]},
        verb="predict",
        pictures_in=True,
    ),
    Entry(
        textrep.BM25Index,
        params={"min_df": 2},
        fitted=("vocabulary_", "idf_", "average_length_", "n_documents_"),
        grid={"variant": ["lucene", "bm25+"]},
        drop_in_for=sklearn_text.CountVectorizer,
    ),
    Entry(
        textrep.BM25Transformer,
        params={"variant": "atire"},
        fitted=("idf_", "average_length_"),
        grid={"k1": [1.2, 1.5]},
        counts_in=True,
    ),
    Entry(
        textrep.BM25Vectorizer,
        params={"ngram_range": (1, 2)},
        fitted=("vocabulary_", "idf_", "average_length_"),
        grid={"variant": ["robertson", "bm25l"]},
        drop_in_for=sklearn_text.CountVectorizer,
    ),
    Entry(
        textrep.CountVectorizer,
        params={"ngram_range": (1, 2)},
        fitted=("vocabulary_", "fixed_vocabulary_"),
        grid={"binary": [False, True]},
        drop_in_for=sklearn_text.CountVectorizer,
    ),
    Entry(
        textrep.AlbertClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.BertClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.DistilBertClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.ModernBertClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.DistilledClassifier,
        params={
            "teacher": textrep.EncoderClassifier(**SMALL_ENCODER),
            "transfer_epochs": 1,
            "epochs": 1,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "student_", "stopped_early_", "out_of_time_"),
        grid={"teacher__pooling": ["mean", "cls"]},
        verb="predict",
        nested=True,
    ),
    Entry(
        textrep.EncoderClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.XLNetClassifier,
        params=SMALL_ENCODER,
        fitted=("classes_", "n_epochs_", "stopped_early_", "temperature_"),
        grid={"pooling": ["mean", "cls"]},
        verb="predict",
    ),
    Entry(
        textrep.ElmoEmbedder,
        params={
            "hidden_size": 4,
            "character_size": 4,
            "filters": ((1, 4), (2, 4)),
            "epochs": 1,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("vocabulary_", "n_epochs_", "stopped_early_", "mix_weights_"),
        grid={"mix": ["mean", "learned"]},
    ),
    Entry(
        textrep.FastTextClassifier,
        params={"vector_size": 8, "epochs": 3, "n_jobs": 1, "random_state": 0},
        fitted=("classes_", "loss_history_", "n_epochs_", "stopped_early_"),
        grid={"word_ngrams": [1, 2]},
        verb="predict",
    ),
    Entry(
        textrep.FastText,
        params={"vector_size": 8, "min_count": 1, "sample": 0, "epochs": 2, "random_state": 0},
        fitted=("loss_history_", "n_epochs_", "sif_direction_"),
        grid={"algorithm": ["skipgram", "cbow"]},
    ),
    Entry(
        textrep.FewShotClassifier,
        params={
            "n_examples": 2,
            "max_steps": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "label_words_", "example_texts_", "calibration_"),
        grid={"calibration": ["none", "prior"]},
        verb="predict",
    ),
    Entry(
        textrep.FusedPipeline,
        params={"pipeline": make_pipeline(textrep.TfidfVectorizer(), LogisticRegression())},
        fitted=("pipeline_", "classes_"),
        grid={"pipeline__tfidfvectorizer__min_df": [1, 2]},
        drop_in_for=sklearn_text.CountVectorizer,
        verb="predict",
        nested=True,
    ),
    Entry(
        textrep.GloVe,
        params={
            "vector_size": 8,
            "min_count": 1,
            "sample": 0,
            "epochs": 2,
            "n_jobs": 1,
            "random_state": 0,
        },
        fitted=("loss_history_", "n_epochs_", "stopped_early_", "n_pairs_"),
        grid={"pooling": ["mean", "sif"]},
    ),
    Entry(
        textrep.HashingVectorizer,
        params={"n_features": 2**10},
        grid={"norm": ["l2", None]},
        drop_in_for=sklearn_text.HashingVectorizer,
    ),
    Entry(
        textrep.LLMClassifier,
        params={
            "base_url": standing().url,
            "model": "tiny",
            "examples_per_class": 1,
            "cache": False,
            "random_state": 0,
        },
        fitted=("classes_", "example_texts_", "example_labels_", "fallback_"),
        grid={"examples_per_class": [0, 1]},
        verb="predict",
    ),
    Entry(
        textrep.LatentSemanticAnalysis,
        params={"n_components": 3, "random_state": 0},
        fitted=("components_", "singular_values_"),
        grid={"n_components": [2, 3]},
        counts_in=True,
    ),
    Entry(
        textrep.LogCountRatio,
        params={"alpha": 0.5},
        fitted=("log_count_ratio_", "classes_"),
        grid={"binarize": [False, True]},
        counts_in=True,
    ),
    Entry(
        textrep.NBSVM,
        params={"beta": 0.5, "random_state": 0},
        fitted=("classes_", "coef_", "intercept_"),
        grid={"C": [0.1, 1.0]},
        counts_in=True,
        verb="predict",
    ),
    Entry(
        textrep.GPT,
        params={
            "level": "character",
            "hidden_size": 8,
            "num_layers": 1,
            "num_heads": 2,
            "max_length": 8,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"positions": ["learned", "rotary"]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.CodeCompleter,
        params={
            "vocab_size": 300,
            "hidden_size": 8,
            "num_layers": 1,
            "num_heads": 2,
            "max_length": 16,
            "epochs": 1,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_", "n_files_"),
        grid={"fill_in_rate": [0.0, 0.5]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.SwitchTransformer,
        params={
            "level": "character",
            "n_experts": 2,
            "hidden_size": 8,
            "num_layers": 1,
            "num_heads": 2,
            "max_length": 8,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"expert_dropout": [None, 0.3]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.PretrainedLanguageModel,
        params={"checkpoint": standing_checkpoint(), "device": "cpu"},
        fitted=("checkpoint_", "revision_"),
        grid={"max_length": [4, 8]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.RNNClassifier,
        params={
            "hidden_size": 4,
            "embedding_size": 4,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "embedding_size_", "n_epochs_", "stopped_early_"),
        grid={"cell": ["lstm", "gru"]},
        verb="predict",
    ),
    Entry(
        textrep.MaskedLanguageModel,
        params={
            "size": {"hidden_size": 8, "num_layers": 1},
            "vocab_size": 120,
            "max_length": 16,
            "epochs": 1,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_", "objective_"),
        grid={"mask_probability": [0.15, 0.3]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.RNNLanguageModel,
        params={
            "level": "character",
            "embedding_size": 8,
            "hidden_size": 8,
            "num_layers": 1,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"cell": ["lstm", "gru"]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.RNNSeq2Seq,
        params={
            "embedding_size": 8,
            "hidden_size": 8,
            "max_length": 1,
            "epochs": 12,
            "learning_rate": 0.1,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"cell": ["gru", "lstm"]},
        verb="predict",
        texts_out=True,
    ),
    Entry(
        textrep.SpellingCorrector,
        params={"max_edit_distance": 1},
        fitted=("words_",),
        grid={"min_count": [1, 2]},
        texts_out=True,
    ),
    Entry(
        textrep.StaticEmbedder,
        params={"vectors": str(Path(__file__).parent / "embeddings" / "toy_vectors.txt")},
        fitted=("idf_", "sif_weights_", "sif_direction_"),
        grid={"pooling": ["idf", "max"]},
    ),
    Entry(
        textrep.StaticStudent,
        params={
            "size": {"hidden_size": 8, "num_layers": 1},
            "vocab_size": 150,
            "pretrain_epochs": 1,
            "n_components": 4,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("explained_", "idf_", "sif_weights_", "sif_direction_"),
        grid={"pooling": ["mean", "max"]},
    ),
    Entry(
        textrep.Stemmer,
        params={"language": "german"},
        grid={"language": ["english", "porter"]},
        texts_out=True,
    ),
    Entry(
        textrep.SubwordTokenizer,
        params={"model": "wordpiece", "vocab_size": 150},
        fitted=("vocabulary_",),
        grid={"lowercase": [False, True]},
        texts_out=True,
    ),
    Entry(
        textrep.TemperatureScaledClassifier,
        params={"estimator": make_pipeline(textrep.TfidfVectorizer(), LogisticRegression())},
        fitted=("estimator_", "temperature_", "classes_"),
        grid={"estimator__tfidfvectorizer__min_df": [1, 2]},
        drop_in_for=sklearn_text.CountVectorizer,
        verb="predict",
        nested=True,
    ),
    Entry(
        textrep.OneHotEmbedder,
        params={"max_vocabulary": 20},
        fitted=("idf_", "sif_weights_", "sif_direction_"),
        grid={"pooling": ["mean", "sif"]},
    ),
    Entry(
        textrep.QuantileBins,
        params={"n_bins": 3},
        fitted=("edges_", "has_missing_"),
        grid={"n_bins": [2, 3]},
        counts_in=True,
    ),
    Entry(
        textrep.TextCleaner,
        params={"html": True, "stop_words": "english"},
        grid={"case": ["lower", None]},
        texts_out=True,
    ),
    Entry(
        textrep.TfidfTransformer,
        params={"sublinear_tf": True},
        fitted=("idf_",),
        grid={"norm": ["l1", "l2"]},
        counts_in=True,
        drop_in_for=sklearn_text.TfidfTransformer,
    ),
    Entry(
        textrep.TfidfVectorizer,
        params={"min_df": 2},
        fitted=("vocabulary_", "idf_"),
        grid={"use_idf": [False, True]},
        drop_in_for=sklearn_text.TfidfVectorizer,
    ),
    Entry(
        textrep.TopicModel,
        params={"n_topics": 3, "max_passes": 2, "random_state": 0},
        fitted=("components_", "perplexities_", "stopped_early_"),
        grid={"n_topics": [2, 3]},
        counts_in=True,
    ),
    Entry(
        textrep.TransformerSeq2Seq,
        params={
            "level": "word",
            "num_layers": 1,
            "hidden_size": 8,
            "num_heads": 2,
            "inner_size": 16,
            "shared_vocabulary": False,
            "max_length": 1,
            "epochs": 20,
            "learning_rate": 0.05,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"norm": ["pre", "post"]},
        verb="predict",
        texts_out=True,
    ),
    Entry(
        textrep.TransformerClassifier,
        params={
            "hidden_size": 4,
            "num_heads": 2,
            "num_layers": 1,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_epochs_", "stopped_early_"),
        grid={"pooling": ["mean", "first"]},
        verb="predict",
    ),
    Entry(
        textrep.UlmfitClassifier,
        params={
            "embedding_size": 4,
            "hidden_size": 4,
            "min_count": 1,
            "vector_epochs": 1,
            "lm_epochs": 1,
            "finetune_epochs": 1,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_epochs_", "stopped_early_"),
        grid={"learning_rate": [1e-3, 1e-2]},
        verb="predict",
    ),
    Entry(
        textrep.Word2Vec,
        params={"vector_size": 8, "min_count": 1, "epochs": 2, "n_jobs": 1, "random_state": 0},
        fitted=("loss_history_", "n_epochs_", "stopped_early_", "idf_"),
        grid={"algorithm": ["skipgram", "cbow"]},
    ),
    Entry(
        textrep.EncoderEmbedder,
        params={
            "size": {"hidden_size": 8, "num_layers": 1},
            "vocab_size": 200,
            "pretrain_epochs": 0,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"pooling": ["mean", "cls"]},
    ),
    Entry(
        textrep.PermutationLanguageModel,
        params={
            "size": {"hidden_size": 8, "num_layers": 1},
            "vocab_size": 200,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"targets": ["span", "last"]},
        verb="log_likelihoods",
    ),
    Entry(
        textrep.SemanticSearch,
        params={
            "embedder": textrep.Word2Vec(
                vector_size=8, min_count=1, epochs=1, n_jobs=1, random_state=0
            )
        },
        fitted=("vectors_", "n_documents_"),
        grid={"embedder__epochs": [1, 2]},
        nested=True,
    ),
    Entry(
        textrep.TokenClassifier,
        params={
            "size": {"hidden_size": 8, "num_layers": 1},
            "vocab_size": 200,
            "pretrain_epochs": 0,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("tags_", "iob2_", "n_epochs_", "stopped_early_"),
        grid={"decoding": ["auto", "independent"]},
        verb="predict",
        texts_out=True,
        tagged=True,
    ),
    Entry(
        textrep.MuseGAN,
        params={
            "latent_size": 4,
            "n_tracks": 2,
            "steps_per_bar": 4,
            "n_pitches": 12,
            "channels": 4,
            "critic_channels": 4,
            "epochs": 2,
            "batch_size": 4,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("monophonic_", "n_epochs_", "stopped_early_"),
        grid={"critic_steps": [1, 2]},
        pieces=PHRASES,
    ),
    Entry(
        textrep.SpectrogramDiffusion,
        params={
            "seconds": 0.032,
            "n_mels": 8,
            "n_fft": 128,
            "hop": 64,
            "space": "pixel",
            "channels": (4,),
            "blocks": 1,
            "num_heads": 1,
            "n_steps": 10,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("classes_", "n_samples_", "n_epochs_", "stopped_early_"),
        grid={"n_iter": [1, 2]},
        pieces=WAVES,
    ),
    Entry(
        textrep.ChoraleModel,
        params={"hidden_size": 4, "epochs": 2, "device": "cpu", "random_state": 0},
        fitted=("lowest_", "n_pitches_", "width_", "n_epochs_", "stopped_early_"),
        grid={"outputs": ["ordered", "independent"]},
        verb="log_likelihoods",
        pieces=CHORDS,
    ),
    Entry(
        textrep.MelodyLSTM,
        params={
            "embedding_size": 4,
            "hidden_size": 4,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("durations_", "n_epochs_", "stopped_early_"),
        grid={"num_layers": [1, 2]},
        verb="log_likelihoods",
        pieces=MELODIES,
    ),
    Entry(
        textrep.MusicTransformer,
        params={
            "num_layers": 1,
            "num_heads": 2,
            "hidden_size": 8,
            "max_length": 16,
            "epochs": 2,
            "device": "cpu",
            "random_state": 0,
        },
        fitted=("n_epochs_", "stopped_early_"),
        grid={"positions": ["rotary", "alibi"]},
        verb="log_likelihoods",
        pieces=SCORES,
    ),
]
