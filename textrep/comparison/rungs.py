"""The registry of rungs: every method that a comparison can try, the simplest first."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sklearn.pipeline import Pipeline

from textrep.comparison import grids, ladder
from textrep.comparison.errors import ComparisonError
from textrep.core.messages import printable, shown

Factory: TypeAlias = Callable[[int], Pipeline]
Notes: TypeAlias = Callable[[Pipeline], tuple[str, ...]]
Cost: TypeAlias = Callable[[Pipeline], float]


@dataclass(frozen=True)
class Rung:
    """One method that a comparison can try.

    Parameters
    ----------
    name : str
        What it is called in tables and on the command line.
    description : str
        What it does, in one line.
    factory : callable
        Takes a seed (int) and returns an unfitted scikit-learn pipeline from texts to labels.
    requires : tuple of str, default=()
        Packages beyond the core that must be installed, by the names they are imported under.
    install : str, default=""
        What to install when one of them is missing; empty names the packages themselves.
    grid : mapping of str to sequence, default={}
        Values to search, by the names of the pipeline's parameters: the cheapest value first, and
        the parameter that costs most to change first. Empty leaves nothing to search.
    max_seconds : str or None, default=None
        Name of the pipeline's parameter that limits its training time, in seconds; None for a
        pipeline that cannot stop early.
    notes : callable or None, default=None
        Takes the fitted pipeline and returns what it has to say of itself, a tuple of str.
    warm_up : bool, default=True
        Whether a copy may be fitted and used on a few texts before the clock starts; False for a
        rung whose use costs money.
    cost : callable or None, default=None
        Takes the fitted pipeline and returns the money that its predictions have cost so far; None
        where they are free.
    takes_checkpoint : bool, default=False
        Whether the factory also takes ``checkpoint=``, a published encoder to start from.

    Raises
    ------
    ComparisonError
        When one of them is of another kind; the message names it.

    Examples
    --------
    >>> rung = Rung("majority", "the most frequent class", lambda seed: Pipeline([]))
    >>> rung.missing()
    ()
    """

    name: str
    description: str
    factory: Factory
    requires: tuple[str, ...] = ()
    install: str = ""
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict, hash=False)
    max_seconds: str | None = None
    notes: Notes | None = None
    warm_up: bool = True
    cost: Cost | None = None
    takes_checkpoint: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isprintable() or not self.name:
            raise ComparisonError(f"a rung's name is {shown(self.name)}; expected a printable str")
        if not callable(self.factory):
            raise ComparisonError(
                f"factory of rung {self.name!r} is {shown(self.factory)}; expected a function of a "
                "seed that returns a pipeline"
            )
        requires: object = self.requires
        if isinstance(requires, str):
            raise ComparisonError(
                f"requires of rung {self.name!r} is a single str; expected a tuple of names"
            )
        self._check_grid()
        self._check_options()

    def _check_grid(self) -> None:
        grid: object = self.grid
        if not isinstance(grid, Mapping):
            raise ComparisonError(
                f"grid of rung {self.name!r} is {shown(grid)}; expected a mapping of the names of "
                "parameters to the values to try"
            )
        for parameter, values in grid.items():
            if not isinstance(parameter, str):
                raise ComparisonError(
                    f"grid of rung {self.name!r} has the key {shown(parameter)}; expected the name "
                    "of a parameter"
                )
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise ComparisonError(
                    f"grid of rung {self.name!r}: {parameter!r} has {shown(values)}; expected a "
                    "list of at least one value"
                )

    def _check_options(self) -> None:
        max_seconds: object = self.max_seconds
        if max_seconds is not None and (not isinstance(max_seconds, str) or not max_seconds):
            raise ComparisonError(
                f"max_seconds of rung {self.name!r} is {shown(max_seconds)}; expected the name of "
                "the parameter that limits the training time, or None"
            )
        if self.notes is not None and not callable(self.notes):
            raise ComparisonError(
                f"notes of rung {self.name!r} is {shown(self.notes)}; expected a function of the "
                "fitted pipeline that returns a tuple of str, or None"
            )
        warm_up: object = self.warm_up
        if not isinstance(warm_up, bool):
            raise ComparisonError(
                f"warm_up of rung {self.name!r} is {shown(warm_up)}; expected True or False"
            )
        takes_checkpoint: object = self.takes_checkpoint
        if not isinstance(takes_checkpoint, bool):
            raise ComparisonError(
                f"takes_checkpoint of rung {self.name!r} is {shown(takes_checkpoint)}; expected "
                "True or False"
            )
        if self.cost is not None and not callable(self.cost):
            raise ComparisonError(
                f"cost of rung {self.name!r} is {shown(self.cost)}; expected a function of the "
                "fitted pipeline that returns what its predictions cost, or None"
            )

    def missing(self) -> tuple[str, ...]:
        """Packages that are required and not installed; none of them is imported.

        Returns
        -------
        tuple of str
        """
        return tuple(name for name in self.requires if not _installed(name))

    def advice(self) -> str:
        """How to install what is missing.

        Returns
        -------
        str
            Empty when nothing is missing.
        """
        missing = self.missing()
        if not missing:
            return ""
        return f"needs {', '.join(missing)}: pip install {self.install or ' '.join(missing)}"

    def starting_from(self, checkpoint: str) -> Rung:
        """The same rung with a published encoder in place of one that learns from the texts alone.

        Parameters
        ----------
        checkpoint : str
            Folder in the layout of Hugging Face, or name on its hub. Nothing is read yet.

        Returns
        -------
        Rung
            Of the same name; its description names the encoder.

        Examples
        --------
        >>> (rung,) = choose_rungs(["bert"])
        >>> rung.starting_from("bert-base-uncased").description
        'BERT, fine-tuned, from bert-base-uncased'
        """
        taking: Any = self.factory
        factory = functools.partial(taking, checkpoint=checkpoint)
        description = (
            f"{_WITHOUT_CHECKPOINT.sub('', self.description)}, from {printable(checkpoint)}"
        )
        return replace(self, factory=factory, description=description)


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # inside a package that is missing, or a broken one
        return False


_TORCH = ("torch",)
_ENCODERS = ("torch", "transformers")
# What a description says of rungs that start from nothing but the texts.
_WITHOUT_CHECKPOINT = re.compile(r" pre-trained on these texts")
_NEURAL = "textrep[neural]"

RUNGS: tuple[Rung, ...] = (
    Rung("majority", "always the most frequent class", ladder.majority),
    Rung("bow-nb", "word counts, naive Bayes", ladder.bow_nb, grid=grids.NAIVE_BAYES),
    Rung(
        "hashing-svm",
        "TF-IDF of hashed words, linear SVM",
        ladder.hashing_svm,
        grid=grids.HASHED_SVM,
    ),
    Rung("bow-logreg", "word counts, logistic regression", ladder.bow_logreg, grid=grids.LOGISTIC),
    Rung(
        "ngrams-logreg",
        "counts of words and pairs, logistic regression",
        ladder.ngrams_logreg,
        grid=grids.LOGISTIC,
    ),
    Rung("tfidf-svm", "TF-IDF of words, linear SVM", ladder.tfidf_svm, grid=grids.TFIDF_SVM),
    Rung(
        "stemmed-tfidf-svm",
        "TF-IDF of English word stems, linear SVM",
        ladder.stemmed_tfidf_svm,
        grid=grids.TFIDF_SVM,
    ),
    Rung("bm25-svm", "BM25 of words, linear SVM", ladder.bm25_svm, grid=grids.BM25_SVM),
    Rung(
        "nb-svm",
        "TF-IDF of words and pairs weighted by naive Bayes, linear SVM",
        ladder.nb_svm,
        grid=grids.NB_SVM,
    ),
    Rung(
        "tfidf-bigram-svm",
        "TF-IDF of words and pairs, linear SVM",
        ladder.tfidf_bigram_svm,
        grid=grids.TFIDF_SVM,
    ),
    Rung(
        "char-tfidf-svm",
        "TF-IDF of 3 to 5 characters, linear SVM",
        ladder.char_tfidf_svm,
        grid=grids.CHARACTER_SVM,
    ),
    Rung(
        "lsa-logreg",
        "latent semantic analysis, logistic regression",
        ladder.lsa_logreg,
        grid=grids.LSA,
    ),
    Rung(
        "lda-logreg",
        "topics (latent Dirichlet allocation), logistic regression",
        ladder.lda_logreg,
        grid=grids.LDA,
        max_seconds="topics__max_seconds",
        notes=ladder.topic_notes,
    ),
    Rung(
        "static-logreg",
        "mean of word vectors that come with textrep (English), logistic regression",
        ladder.static_logreg,
        grid=grids.STATIC,
    ),
    Rung(
        "word2vec-logreg",
        "mean of word2vec vectors of the words, logistic regression",
        ladder.word2vec_logreg,
        grid=grids.WORD2VEC,
        max_seconds="vectors__max_seconds",
    ),
    Rung(
        "word2vec-sif-logreg",
        "mean of word2vec vectors, rare words weighing more (SIF), logistic regression",
        ladder.word2vec_sif_logreg,
        grid=grids.WORD2VEC,
        max_seconds="vectors__max_seconds",
    ),
    Rung(
        "glove-logreg",
        "mean of GloVe vectors of the words, logistic regression",
        ladder.glove_logreg,
        grid=grids.WORD_VECTORS,
        max_seconds="vectors__max_seconds",
    ),
    Rung(
        "fasttext-logreg",
        "mean of fastText vectors of words and their parts, logistic regression",
        ladder.fasttext_logreg,
        grid=grids.WORD_VECTORS,
        max_seconds="vectors__max_seconds",
    ),
    Rung(
        "fasttext",
        "vectors of words and pairs learnt for the labels (fastText's classifier)",
        ladder.fasttext_classifier,
        grid=grids.FASTTEXT,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "lstm",
        "LSTM over the words in order",
        ladder.lstm,
        requires=_TORCH,
        install=_NEURAL,
        grid=grids.RECURRENT,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "bilstm-word2vec",
        "LSTM from both ends, starting from word2vec vectors of the words",
        ladder.bilstm_word2vec,
        requires=_TORCH,
        install=_NEURAL,
        grid=grids.RECURRENT,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "elmo-logreg",
        "mean of ELMo's vectors of words in their context, logistic regression",
        ladder.elmo_logreg,
        requires=_TORCH,
        install=_NEURAL,
        grid=grids.CONTEXTUAL,
        max_seconds="vectors__max_seconds",
    ),
    Rung(
        "ulmfit",
        "language model of the texts, made a classifier layer by layer (ULMFiT)",
        ladder.ulmfit,
        requires=_TORCH,
        install=_NEURAL,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "transformer",
        "Transformer over the words, learnt from nothing but these texts",
        ladder.transformer,
        requires=_TORCH,
        install=_NEURAL,
        grid=grids.TRANSFORMER,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "few-shot-lm",
        "small language model of texts and labels, asked for the next label after two examples",
        ladder.few_shot_lm,
        requires=_TORCH,
        install=_NEURAL,
        max_seconds="classifier__max_seconds",
    ),
    Rung(
        "frozen-encoder",
        "mean vectors of a BERT pre-trained on these texts, logistic regression",
        ladder.frozen_encoder,
        requires=_ENCODERS,
        install=_NEURAL,
        grid=grids.CONTEXTUAL,
        max_seconds="vectors__max_seconds",
        takes_checkpoint=True,
    ),
    Rung(
        "static-student",
        "mean of word vectors taught by a BERT pre-trained on these texts, logistic regression",
        ladder.static_student,
        requires=_ENCODERS,
        install=_NEURAL,
        grid=grids.CONTEXTUAL,
        max_seconds="vectors__max_seconds",
        takes_checkpoint=True,
    ),
    Rung(
        "bert",
        "BERT pre-trained on these texts, fine-tuned",
        ladder.bert,
        requires=_ENCODERS,
        install=_NEURAL,
        max_seconds="classifier__max_seconds",
        takes_checkpoint=True,
    ),
    Rung(
        "distilbert",
        "student with half the layers of a BERT pre-trained on these texts and fine-tuned",
        ladder.distilbert,
        requires=_ENCODERS,
        install=_NEURAL,
        max_seconds="classifier__max_seconds",
        takes_checkpoint=True,
    ),
)


def choose_rungs(
    methods: Iterable[str | Rung] | None = None, checkpoint: str | None = None
) -> tuple[Rung, ...]:
    """Look methods up in the registry.

    Parameters
    ----------
    methods : iterable of str or Rung, or None, default=None
        Names from the registry, or rungs of your own; None takes the whole registry.
    checkpoint : str or None, default=None
        A published encoder that those start from which can, see `Rung.starting_from`.

    Returns
    -------
    tuple of Rung
        In the order given.

    Raises
    ------
    ComparisonError
        When a name is unknown or repeated, or there is none, or no rung takes a checkpoint.

    Examples
    --------
    >>> [rung.name for rung in choose_rungs(["bow-nb", "tfidf-svm"])]
    ['bow-nb', 'tfidf-svm']
    """
    if methods is None:
        return _with_checkpoint(RUNGS, checkpoint)
    if isinstance(methods, str):
        raise ComparisonError(f"methods must be a list of names, got the str {shown(methods)}")
    if not isinstance(methods, Iterable):
        raise ComparisonError(f"methods is {shown(methods)}; expected a list of names")
    known = {rung.name: rung for rung in RUNGS}
    chosen: list[Rung] = []
    for method in methods:
        rung = method if isinstance(method, Rung) else None
        if isinstance(method, str):
            rung = known.get(method)
        if rung is None:
            have = ", ".join(known)
            raise ComparisonError(f"methods: no method {shown(method)}; there are {have}")
        if rung.name in {other.name for other in chosen}:
            raise ComparisonError(f"methods: {rung.name!r} is named twice; name it once")
        chosen.append(rung)
    if not chosen:
        raise ComparisonError(f"methods is empty; choose from {', '.join(known)}")
    return _with_checkpoint(tuple(chosen), checkpoint)


def _with_checkpoint(rungs: tuple[Rung, ...], checkpoint: object) -> tuple[Rung, ...]:
    if checkpoint is None:
        return rungs
    if not isinstance(checkpoint, str) or not checkpoint.strip():
        raise ComparisonError(
            f"checkpoint is {shown(checkpoint)}; expected the folder of a published encoder or its "
            "name on the Hugging Face hub"
        )
    if not any(rung.takes_checkpoint for rung in rungs):
        able = ", ".join(rung.name for rung in RUNGS if rung.takes_checkpoint)
        raise ComparisonError(
            f"checkpoint is {shown(checkpoint)}, but none of the methods starts from one; add one "
            f"of {able}, or leave it out"
        )
    return tuple(
        rung.starting_from(checkpoint) if rung.takes_checkpoint else rung for rung in rungs
    )
