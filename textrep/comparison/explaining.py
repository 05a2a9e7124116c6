"""Which words decided a prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.errors import ComparisonError
from textrep.comparison.words import without, word_spans
from textrep.core.messages import shown

Spans: TypeAlias = "list[tuple[int, int]]"
LogOdds: TypeAlias = Callable[[Sequence[str]], NDArray[np.float64]]

# Different words of a document that are left out one by one. Time grows with the square of its
# length; of a longer one, groups of words are left out first.
_MAX_WORDS = 500
# Characters of all variants of a document that are held at once.
_MAX_CHARACTERS = 1 << 24
# In place of probabilities that are zero, of which there is no logarithm.
_MIN_PROBABILITY = 1e-30
# Changes of the log-odds below this are rounding.
_MIN_EFFECT = 1e-9


def explain(
    model: Any,
    text: str,
    *,
    n_words: int = 5,
    inputs: Callable[[Sequence[str]], Any] = list,
) -> list[tuple[str, float]]:
    """Tell which words of a text decided its predicted class.

    Each word is left out, wherever it occurs, and the document is predicted again: the effect of
    the word is by how much the log-odds of the predicted class drop. It needs nothing but
    probabilities, and so serves every model, and counts what a word does inside of pairs and
    character n-grams too. Words that only work together, each sufficient by itself, get too
    little.

    Parameters
    ----------
    model : fitted classifier
        From texts to labels, with `predict_proba`.
    text : str
        The document. Of one with more than 500 different words, groups of neighbours are left out
        first, and then the words of the groups that did most.
    n_words : int, default=5
        How many words to give at most.
    inputs : callable, default=list
        Makes of a list of texts what the model takes, where it takes more than texts.

    Returns
    -------
    list of (str, float)
        Word in small letters and its effect in nats, the largest absolute effect first: positive
        where the word speaks for the predicted class, negative where it speaks against it. Words
        without effect are left out. Scripts without spaces are cut as `word_spans` says.

    Raises
    ------
    ComparisonError
        When `n_words` is not an int of at least 1.

    References
    ----------
    Li, Monroe and Jurafsky (2016), "Understanding neural networks through representation erasure",
    https://arxiv.org/abs/1612.08220, equation 1, with log-odds in place of log-likelihood.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from sklearn.pipeline import make_pipeline
    >>> model = make_pipeline(CountVectorizer(), MultinomialNB())
    >>> model = model.fit(["good film", "bad film"], ["pos", "neg"])
    >>> [(word, round(effect, 3)) for word, effect in explain(model, "A good, good film")]
    [('good', 1.386)]
    """
    if isinstance(n_words, bool) or not isinstance(n_words, int) or n_words < 1:
        raise ComparisonError(f"n_words is {shown(n_words)}; expected an int of at least 1")
    words = word_spans(text)
    if not words:
        return []
    log_odds = _log_odds_of_prediction(model, text, inputs)
    if len(words) > _MAX_WORDS:
        words = _most_effective(text, words, log_odds)
    effects = _effects(text, list(words.values()), log_odds)
    # Sorted stably, so that of equal words the earlier one comes first.
    order = np.argsort(-np.abs(effects), kind="stable")[:n_words]
    names = list(words)
    return [(names[at], float(effects[at])) for at in order if abs(effects[at]) > _MIN_EFFECT]


def _log_odds_of_prediction(model: Any, text: str, inputs: Callable[..., Any]) -> LogOdds:
    """A function of texts: log-odds of the class that is predicted of one text."""
    predicted = int(np.argmax(model.predict_proba(inputs([text]))[0]))

    def log_odds(texts: Sequence[str]) -> NDArray[np.float64]:
        probabilities = np.asarray(model.predict_proba(inputs(texts)), dtype=np.float64)
        mine = np.clip(probabilities[:, predicted], _MIN_PROBABILITY, None)
        # Summed over the others: one minus a probability near 1 keeps no digits.
        others = np.delete(probabilities, predicted, axis=1).sum(axis=1)
        return np.log(mine) - np.log(np.clip(others, _MIN_PROBABILITY, None))

    return log_odds


def _effects(text: str, removed: Sequence[Spans], log_odds: LogOdds) -> NDArray[np.float64]:
    """By how much the log-odds drop without each of some sets of spans."""
    left = [log_odds(batch) for batch in _variants(text, removed)]
    return log_odds([text])[0] - np.concatenate(left)


def _variants(text: str, removed: Sequence[Spans]) -> Iterator[list[str]]:
    size = max(1, _MAX_CHARACTERS // len(text))
    for start in range(0, len(removed), size):
        yield [without(text, spans) for spans in removed[start : start + size]]


def _most_effective(text: str, words: dict[str, Spans], log_odds: LogOdds) -> dict[str, Spans]:
    """The words of the groups of neighbours that do most, `_MAX_WORDS` or a few less."""
    names = list(words)
    size = -(-len(names) // _MAX_WORDS)
    groups = [names[start : start + size] for start in range(0, len(names), size)]
    spans = [sorted(span for name in group for span in words[name]) for group in groups]
    order = np.argsort(-np.abs(_effects(text, spans, log_odds)), kind="stable")
    chosen = {name for at in order[: _MAX_WORDS // size] for name in groups[at]}
    return {name: words[name] for name in names if name in chosen}
