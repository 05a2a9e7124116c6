"""`FewShotClassifier`: a language model that sees labelled texts before a text in question."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from textrep.contextual.classification import NeuralClassifier
from textrep.contextual.few_shot_examples import SELECTIONS, choose_examples, most_similar
from textrep.contextual.few_shot_template import Template, one_line, words_of_labels
from textrep.contextual.few_shot_training import LabelledTexts, episodes, train_on_episodes
from textrep.contextual.word_inputs import time_left
from textrep.core.container import PersistError
from textrep.core.messages import shown
from textrep.core.persist import load
from textrep.core.random import RandomState, streams
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.device import choose_device
from textrep.generation.language_model import LanguageModel
from textrep.generation.prompts import Prompts, write_prompts
from textrep.sparse import TfidfVectorizer
from textrep.sparse.log_count_ratio import read_classes

TEMPLATE = "Text: {text}\nLabel: {label}"
CALIBRATIONS = ("contextual", "prior", "none")
CONTENT_FREE = ("N/A", "", "[MASK]")
"""What stands in place of a text to see what a prompt alone says (Zhao et al. 2021)."""

_TEXTS_AT_ONCE = 256  # questions whose prompts and likenesses are in memory at a time


class FewShotClassifier(NeuralClassifier):
    """Classify texts by what a language model thinks likely to follow labelled texts.

    In-context learning: some of the training texts, each with its label, and then the text in
    question are one prompt, and the class is that whose name is the likeliest to go on with. The
    language model is not trained for it; or, where there is none, `fit` trains a small one on the
    training texts alone, written as in the prompts.

    Parameters
    ----------
    language_model : LanguageModel, path or None, default=None
        A fitted one, such as `GPT`, `RNNLanguageModel` or `PretrainedLanguageModel`, or a file that
        holds one. One that is not fitted is cloned and learns from the training texts written with
        `template`, several to a document. None trains a small `GPT` on them, to which labels matter
        more than words.
    n_examples : int, default=8
        Training texts before each text in question, of all classes together; 0 for none. Fewer
        where they do not fit into what the model sees.
    template : str, default="Text: {text}\\\\nLabel: {label}"
        How a text and its label are written; ``{text}`` comes first.
    separator : str, default="\\\\n\\\\n"
        Between a text and the next one.
    label_words : dict of labels to str, or None, default=None
        What classes are called; None takes the labels as they are printed.
    calibration : {"contextual", "prior", "none"}, default="contextual"
        "contextual" divides the probability of each class by that which the same prompt gives it
        for texts without content, so that none is favoured (Zhao et al.). "prior" divides the
        likelihood of each name by that which it has after the words between text and label alone
        (domain-conditional pointwise mutual information, Holtzman et al.).
    length_normalization : bool, default=True
        Whether the mean over a name's tokens counts, in place of the sum.
    example_selection : {"balanced", "random", "similar"}, default="balanced"
        "balanced" draws as many examples of each class; "similar" takes, for each text in question,
        those of all training texts that are most like it by TF-IDF, the most similar last.
    max_characters : int or None, default=2000
        To which texts are cut; None leaves them whole.
    max_steps : int or None, default=None
        Batches that the small model of ``language_model=None`` learns from; None for as many as
        make fifteen readings of each text, 80 at least.
    max_seconds : float or None, default=None
        Time for its training.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes the best there is. Of a small model of its
        own; another one knows where it computes.
    random_state : int, Generator, RandomState or None, default=None
        Decides which examples are drawn, and the training of a model of its own.
    verbose : int, default=0
        1 shows a progress bar of that training.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    label_words_ : list of str
        What each is called.
    language_model_ : LanguageModel
    example_texts_ : list of str
        As they are shown; with "similar" all training texts.
    example_labels_ : ndarray of shape (n_examples,)
        Their classes.
    example_vectors_ : sparse matrix of shape (n_examples, n_terms)
        With "similar": their weights by TF-IDF; `vectorizer_` makes those of others.
    calibration_ : float64 ndarray of shape (n_classes,)
        Logarithms of what the probabilities are divided by; zeros without calibration, and for
        "contextual" with "similar", where each prompt has its own.
    history_, n_epochs_, stopped_early_, out_of_time_
        Of the training of a model of its own; an empty history otherwise.

    See Also
    --------
    textrep.comparison.llm.LLMClassifier : Asks a hosted model, which gives no probabilities.

    Notes
    -----
    A prompt that is longer than the window of the model loses examples, the first ones first, and a
    warning says of how many texts; the text in question and what stands after it are never left
    out. Where even those are too long, the model reads their end.

    Contextual calibration takes all classes for equally frequent.

    References
    ----------
    T. Brown et al.: Language models are few-shot learners, NeurIPS 2020.

    T. Z. Zhao, E. Wallace, S. Feng, D. Klein, S. Singh: Calibrate before use: improving few-shot
    performance of language models, ICML 2021 (equation 2 with W = diag(p_cf)^-1 and b = 0).

    A. Holtzman, P. West, V. Shwartz, Y. Choi, L. Zettlemoyer: Surface form competition: why the
    highest probability answer isn't always right, EMNLP 2021.

    J. Liu et al.: What makes good in-context examples for GPT-3?, DeeLIO 2022 ("similar").

    Examples
    --------
    >>> from textrep import FewShotClassifier
    >>> texts = ["green apple", "grey stone", "apple pie", "stone wall"]
    >>> classifier = FewShotClassifier(n_examples=1, calibration="none", max_steps=30, device="cpu",
    ...                                random_state=0).fit(texts, ["fruit", "rock"] * 2)
    >>> classifier.predict(["hot stone", "apple tree"]).tolist()
    ['rock', 'fruit']
    >>> print(classifier.prompt("hot stone"))
    Text: apple pie
    Label: fruit
    <BLANKLINE>
    Text: hot stone
    Label:
    """

    language_model_: LanguageModel

    def __init__(
        self,
        *,
        language_model: Any = None,
        n_examples: int = 8,
        template: str = TEMPLATE,
        separator: str = "\n\n",
        label_words: Mapping[Any, str] | None = None,
        calibration: str = "contextual",
        length_normalization: bool = True,
        example_selection: str = "balanced",
        max_characters: int | None = 2000,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        device: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.language_model = language_model
        self.n_examples = n_examples
        self.template = template
        self.separator = separator
        self.label_words = label_words
        self.calibration = calibration
        self.length_normalization = length_normalization
        self.example_selection = example_selection
        self.max_characters = max_characters
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any) -> Self:
        """Choose examples, and train a language model where none is given.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Texts.
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self : FewShotClassifier

        Raises
        ------
        TextInputError
            If `X` holds something else.
        ValueError
            If there are not two classes, no words, names of classes that the model cannot tell
            apart, or a parameter is out of its range.
        TypeError
            If `language_model` is something else.
        OSError, PersistError
            If it is a file that is not there or cannot be read.
        """
        start = time.monotonic()
        texts = check_texts(X, name="X")
        classes, group = read_classes(self, y, len(texts))
        self._check_parameters()
        words = words_of_labels(classes, self.label_words)
        if not any(text.strip() for text in texts):
            raise ValueError("there are no words in X to learn from")
        for name in (
            "language_model_",
            "vectorizer_",
            "example_vectors_",
        ):  # nothing of an earlier fit may stay
            self.__dict__.pop(name, None)
        texts = [one_line(text, self.max_characters) for text in texts]
        random = streams(self.random_state, ["examples", "training"])
        model = self._read_model(texts, words, group, random["training"], start)
        self.classes_, self.label_words_ = classes, words
        self._take_examples(texts, classes[group], group, random["examples"])
        self._take_model(model)
        return self

    def _check_parameters(self) -> None:
        """Refuse what is out of range, before any work."""
        check_count("n_examples", self.n_examples, 0)
        check_choice("calibration", self.calibration, CALIBRATIONS)
        check_choice("example_selection", self.example_selection, SELECTIONS)
        if not isinstance(self.length_normalization, bool | np.bool_):
            raise ValueError(
                f"length_normalization must be True or False, got {self.length_normalization!r}"
            )
        if not isinstance(self.separator, str):
            raise ValueError(f"separator must be a str, got {shown(self.separator)}")
        for name in ("max_characters", "max_steps"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), 1)
        if self.max_seconds is not None:
            check_number("max_seconds", self.max_seconds, above=0)
        choose_device(self.device)
        Template.read(self.template)

    def _given_model(self) -> LanguageModel | None:
        model = self.language_model
        if isinstance(model, str | os.PathLike):
            model = load(model)
        if model is not None and not isinstance(model, LanguageModel):
            raise TypeError(
                "language_model must be a language model such as GPT, a file that holds one or "
                f"None, got {shown(self.language_model)}"
            )
        return model

    def _read_model(
        self,
        texts: list[str],
        words: list[str],
        group: NDArray[np.int64],
        random: np.random.Generator,
        start: float,
    ) -> LanguageModel:
        """The language model, fitted."""
        model = self._given_model()
        if model is not None and hasattr(model, "module_"):
            return model
        data = LabelledTexts(
            Template.read(self.template),
            self.separator,
            texts,
            [words[number] for number in group.tolist()],
            int(self.n_examples),
        )
        if model is not None:
            copied: Any = clone(model)
            return copied.fit(episodes(data, 1, random))
        return train_on_episodes(
            data,
            group,
            max_steps=self.max_steps,
            max_seconds=time_left(self.max_seconds, start),
            device=self.device,
            random_state=random,
            verbose=self.verbose,
        )

    def _take_examples(
        self,
        texts: list[str],
        labels: np.ndarray,
        group: NDArray[np.int64],
        random: np.random.Generator,
    ) -> None:
        if self.example_selection == "similar":
            chosen = np.arange(len(texts))
            self.vectorizer_ = TfidfVectorizer(sublinear_tf=True)
            self.example_vectors_ = self.vectorizer_.fit_transform(texts)
        else:
            chosen = choose_examples(group, self.n_examples, self.example_selection, random)
        self.example_texts_ = [texts[i] for i in chosen]
        self.example_labels_ = labels[chosen]

    def _take_model(self, model: LanguageModel) -> None:
        given = isinstance(self.language_model, str | os.PathLike)
        trained = not given and model is not self.language_model and hasattr(model, "history_")
        self.history_ = list(model.history_) if trained else []
        self.n_epochs_ = model.n_epochs_ if trained else 0
        self.stopped_early_ = model.stopped_early_ if trained else False
        self.out_of_time_ = model.out_of_time_ if trained else False
        self.language_model_ = model
        self._check_names()
        self.calibration_ = self._fixed_calibration()

    def _check_names(self) -> None:
        """Refuse names that are the same to the model."""
        rows = self._answer_rows()
        seen: dict[bytes, str] = {}
        for row, word in zip(rows, self.label_words_, strict=True):
            other = seen.setdefault(row.tobytes(), word)
            if other is not word or not len(row):
                what = f"{other!r} and {word!r} are the same" if len(row) else f"{word!r} is none"
                raise ValueError(
                    f"label_words: {what} in the vocabulary of the language model; give classes "
                    "names that it knows"
                )

    # ---- scores

    def _check_fitted(self) -> None:
        check_is_fitted(self, "language_model_")

    def _log_odds(self, X: Any) -> NDArray[np.float64]:
        """Calibrated log-likelihoods of the names, (n_samples, n_classes)."""
        self._check_fitted()
        texts = [one_line(text, self.max_characters) for text in check_texts(X, name="X")]
        found, n_shortened = [], 0
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            scores, n = self._of_questions(texts[first : first + _TEXTS_AT_ONCE])
            found.append(scores)
            n_shortened += n
        if n_shortened:
            warnings.warn(
                f"of {n_shortened} of {len(texts)} texts the prompt is longer than what the model "
                "sees, and has fewer examples than n_examples; lower n_examples or max_characters",
                stacklevel=4,
            )
        return np.concatenate(found)

    def _of_questions(self, texts: list[str]) -> tuple[NDArray[np.float64], int]:
        """Calibrated scores of some texts, and of how many the prompts were too long."""
        chosen = self._chosen(texts)
        scores, n_shortened = self._scores(texts, chosen)
        if self.calibration == "contextual" and self.example_selection == "similar":
            return log_softmax(scores, axis=1) - self._content_free(chosen), n_shortened
        if self.calibration == "contextual":
            scores = log_softmax(scores, axis=1)
        return scores - self.calibration_, n_shortened

    def _chosen(self, texts: list[str]) -> NDArray[np.int64]:
        """Positions of the examples of each text, (n_texts, n_chosen)."""
        if self.example_selection == "similar":
            asked = self.vectorizer_.transform(texts)
            return most_similar(self.example_vectors_, asked, self.n_examples)
        return np.tile(np.arange(len(self.example_texts_)), (len(texts), 1))

    def _fixed_calibration(self) -> NDArray[np.float64]:
        if self.calibration == "none":
            return np.zeros(len(self.classes_))
        if self.calibration == "prior":
            cue = Template.read(self.template).cue.strip()
            return self._likelihoods([cue])[0]
        if self.example_selection == "similar":
            return np.zeros(len(self.classes_))
        return self._content_free(self._chosen(["any"]))[0]

    def _content_free(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-probabilities of the names for texts without content, (n, n_classes).

        The mean is over probabilities, of each text without content after the same examples.
        """
        each = np.stack(
            [
                log_softmax(self._scores([text] * len(chosen), chosen)[0], axis=1)
                for text in CONTENT_FREE
            ]
        )
        return logsumexp(each, axis=0) - np.log(len(CONTENT_FREE))

    def _scores(
        self, texts: Sequence[str], chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], int]:
        """Log-likelihoods of the names after examples and texts, and prompts that were too long."""
        prompts = self._prompts(texts, chosen)
        return self._likelihoods(prompts.texts), prompts.n_shortened

    def _prompts(self, texts: Sequence[str], chosen: NDArray[np.int64]) -> Prompts:
        template, model = Template.read(self.template), self.language_model_
        named = dict(zip(self.classes_.tolist(), self.label_words_, strict=True))
        labels = [named[label] for label in self.example_labels_.tolist()]
        pairs = zip(self.example_texts_, labels, strict=True)
        examples = [template.example(*pair) for pair in pairs]
        longest = max(map(len, self._answer_rows()))
        return write_prompts(
            model,
            [[examples[i] for i in row] for row in chosen.tolist()],
            [template.question(text) for text in texts],
            separator=self.separator,
            reserved=longest - 1,  # the last token of a name is only predicted
        )

    def _likelihoods(self, prompts: list[str]) -> NDArray[np.float64]:
        """Log-likelihood of each name after each prompt, (n_prompts, n_classes)."""
        answers = self._answers()
        repeated = [prompt for prompt in prompts for _ in answers]
        found = self.language_model_.log_likelihoods_of_continuations(
            repeated, answers * len(prompts)
        ).reshape(len(prompts), len(answers))
        if self.length_normalization:
            found = found / [len(row) for row in self._answer_rows()]
        return found

    def _answers(self) -> list[str]:
        template = Template.read(self.template)
        return [template.answer(word) for word in self.label_words_]

    def _answer_rows(self) -> list[NDArray[np.int32]]:
        """Tokens of each name, as they follow a prompt."""
        answers = self._answers()
        cue = Template.read(self.template).cue
        return self.language_model_._cut([cue] * len(answers), answers)[1]

    def prompt(self, text: str) -> str:
        """What the language model reads before it names the class of a text.

        Parameters
        ----------
        text : str

        Returns
        -------
        str
            Without the examples that do not fit.
        """
        self._check_fitted()
        (text,) = [one_line(each, self.max_characters) for each in check_texts([text], name="text")]
        return self._prompts([text], self._chosen([text])).texts[0]

    # ---- copies and files

    def __sklearn_clone__(self) -> Self:
        # A clone of the language model itself would have forgotten all.
        copied = super().__sklearn_clone__()
        copied.language_model = self.language_model
        return copied

    def _get_saved_params(self) -> dict[str, Any]:
        params = super()._get_saved_params()
        if hasattr(self, "language_model_") and not isinstance(params["language_model"], str):
            params["language_model"] = None  # it is among what has been fitted
        return params

    def _set_state(self, state: dict[str, Any]) -> None:
        model = state.get("language_model_")
        if state and not (isinstance(model, LanguageModel) and hasattr(model, "module_")):
            raise PersistError("language_model_ is no fitted language model")
        super()._set_state(state)
