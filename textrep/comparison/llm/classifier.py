"""`LLMClassifier`: a hosted language model is told the classes and asked about each text."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from textrep.comparison.llm import prompt as prompting
from textrep.comparison.llm.accounts import Accounted
from textrep.comparison.llm.address import chat_address, check_consent, check_secrecy, read_key
from textrep.comparison.llm.answer import LabelReader
from textrep.comparison.llm.asking import Asker
from textrep.comparison.llm.cache import AnswerCache
from textrep.comparison.llm.endpoint import Endpoint
from textrep.comparison.llm.examples import draw_examples
from textrep.comparison.llm.questioning import ask_all
from textrep.comparison.llm.reply import Reply
from textrep.comparison.llm.request import answer_limit, build_request, check_options
from textrep.comparison.llm.spending import Prices
from textrep.core.container import PersistError
from textrep.core.messages import printable
from textrep.core.paths import cache_dir
from textrep.core.persist import Persistent
from textrep.core.progress import Progress, progress
from textrep.core.random import stream
from textrep.core.text import check_texts
from textrep.sparse.log_count_ratio import read_classes

_MAX_TIMEOUT = 86_400.0  # a day; beyond some centuries the system's clocks overflow
_SHOWN_ANSWER = 80  # characters of an answer without a label that the warning repeats


class LLMClassifier(Accounted, Persistent, ClassifierMixin, BaseEstimator):
    """Classify texts by asking a language model behind an OpenAI-compatible endpoint.

    Each text is one request to ``{base_url}/chat/completions``: instructions that name the
    classes, a few labelled examples, and the text. Fitting draws the examples and asks nothing.
    **Predicting sends the texts to the endpoint, and may cost money.**

    A text can contain instructions of its own. It is marked as data, but models can be led astray
    all the same: do not let labels of texts by strangers decide what must not go wrong. What an
    answer gives is a label without a probability, so there is no `predict_proba`.

    A classifier that was loaded from a file sends nothing beyond this machine until the environment
    variable ``TEXTREP_LLM_HOSTS`` names the host: the file might be somebody else's.

    Parameters
    ----------
    base_url : str
        Address of the endpoint, such as ``"https://api.openai.com/v1"`` or
        ``"http://localhost:11434/v1"``. Plain http is for endpoints on this machine, or such as
        need no key.
    model : str
        As the endpoint calls it.
    prompt : str or None, default=None
        Instructions, with ``{labels}`` where the names of the classes belong; None takes
        `textrep.comparison.llm.prompt.DEFAULT_PROMPT`.
    price_in : float, default=0.0
        Money for a million tokens of prompts, in any currency.
    price_out : float, default=0.0
        Money for a million tokens of answers, in the same currency.
    examples_per_class : int, default=0
        Texts of each class from the training part that are sent along with every request, drawn at
        random and cut to 1,000 characters; 0 for none.
    max_characters : int, default=8000
        To which texts are cut.
    max_tokens : int or None, default=64
        Limit of an answer, in tokens. None sends none: models that reason take
        ``options={"max_completion_tokens": 2000}`` instead.
    temperature : float or None, default=0.0
        Of the model's choice of words; None leaves it to the endpoint, which some models ask for.
    options : dict or None, default=None
        Further fields of the request, such as ``{"seed": 1}``. They are saved with the model, so
        keep secrets out of them.
    max_cost : float or None, default=None
        Most money that may be spent on predictions, from fitting on; None for no limit. A request
        is sent only if the most that it can cost, by its length and the limit of the answer, is
        left. Each copy of the classifier counts for itself.
    max_retries : int, default=5
        Further attempts when the server is busy or the connection fails, after pauses that double
        from half a second on, or as long as the server asks, up to a minute.
    timeout : float, default=60.0
        Seconds for one request.
    n_jobs : int, default=4
        Requests at a time.
    cache : bool, str or path-like, default=True
        Folder in which answers are kept, so that the same request is paid for once; equal texts
        are then asked about once, too. True takes ``llm`` in textrep's cache folder, False keeps
        nothing. It holds answers and check sums of requests, neither texts nor keys.
    api_key_variable : str or None, default="OPENAI_API_KEY"
        Name of the environment variable that holds the key, which is neither stored nor shown;
        None sends none. An endpoint on this machine may do without.
    random_state : None, int, Generator or RandomState, default=None
        Decides which examples are drawn.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    example_texts_ : list of str
        Sent with every request.
    example_labels_ : ndarray of shape (n_examples,)
        Their classes.
    fallback_ : int
        Position in `classes_` of the most frequent class, which texts without an answer get.
    cost_ : float
        Money spent on predictions since fitting. An attempt whose answer got lost counts with the
        most that it can have cost.
    cost_uncached_ : float
        Money that the same predictions cost without a cache, at the present prices.
    cost_is_estimated_ : bool
        Whether the endpoint left out how many tokens it counted; then four bytes count as one.
    prompt_tokens_, completion_tokens_ : int
        Sent and received since fitting.
    n_unanswered_ : int
        Texts since fitting whose answer named none of the labels, or several.
    n_cached_ : int
        Texts since fitting whose answer came from the cache.
    waits_ : ndarray of shape (n_answers,) of float64
        Seconds that the answer to each text since fitting took, retries not counted; for an answer
        from the cache those that it took in its time.

    References
    ----------
    T. Brown et al.: Language models are few-shot learners, NeurIPS 2020, section 2.

    Examples
    --------
    >>> from textrep.comparison.llm import LLMClassifier
    >>> model = LLMClassifier(base_url="http://localhost:11434/v1", model="llama3", price_in=0.5)
    >>> model.fit(["win a prize", "see you at 8"], ["spam", "ham"]).classes_.tolist()
    ['ham', 'spam']
    >>> print(model.messages("cheap pills")[-1]["content"])
    <document>
    cheap pills
    </document>
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "base_url": [str],
        "model": [str],
        "prompt": [str, None],
        "price_in": [Interval(Real, 0, None, closed="left")],
        "price_out": [Interval(Real, 0, None, closed="left")],
        "examples_per_class": [Interval(Integral, 0, None, closed="left")],
        "max_characters": [Interval(Integral, 1, None, closed="left")],
        "max_tokens": [Interval(Integral, 1, None, closed="left"), None],
        "temperature": [Interval(Real, 0, None, closed="left"), None],
        "options": [dict, None],
        "max_cost": [Interval(Real, 0, None, closed="left"), None],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "timeout": [Interval(Real, 0, _MAX_TIMEOUT, closed="neither")],
        "n_jobs": [Interval(Integral, 1, None, closed="left")],
        "cache": ["boolean", str, Path],
        "api_key_variable": [str, None],
    }

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        prompt: str | None = None,
        price_in: float = 0.0,
        price_out: float = 0.0,
        examples_per_class: int = 0,
        max_characters: int = 8000,
        max_tokens: int | None = 64,
        temperature: float | None = 0.0,
        options: Mapping[str, Any] | None = None,
        max_cost: float | None = None,
        max_retries: int = 5,
        timeout: float = 60.0,
        n_jobs: int = 4,
        cache: bool | str | Path = True,
        api_key_variable: str | None = "OPENAI_API_KEY",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.base_url = base_url
        self.model = model
        self.prompt = prompt
        self.price_in = price_in
        self.price_out = price_out
        self.examples_per_class = examples_per_class
        self.max_characters = max_characters
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.options = options
        self.max_cost = max_cost
        self.max_retries = max_retries
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.cache = cache
        self.api_key_variable = api_key_variable
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, texts: Any, y: Any) -> Self:
        """Take note of the classes and draw the examples; nothing is sent.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)
        y : labels of any type, of shape (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When a parameter makes no sense, or there are no two classes.
        """
        checked = check_texts(texts)
        classes, group = read_classes(self, y, len(checked))
        self.check_parameters()
        LabelReader(classes.tolist())  # refuses labels that no answer could name
        drawn = draw_examples(group, self.examples_per_class, stream(self.random_state, "examples"))
        self.classes_ = classes
        self.example_texts_ = [checked[i] for i in drawn]
        self.example_labels_ = classes[group[drawn]]
        self.fallback_ = int(np.bincount(group).argmax())
        self._open_account()
        return self

    def check_parameters(self) -> None:
        """Check the parameters, which `fit` and `predict` do too.

        Raises
        ------
        ValueError
            When one makes no sense; the message names it.
        """
        self._validate_params()
        check_secrecy(chat_address(self.base_url), self.api_key_variable)
        prompting.check_prompt(self.prompt)
        check_options(self.options)
        if self.max_cost is None:
            return
        if not (self.price_in or self.price_out):
            raise ValueError(
                f"max_cost={self.max_cost} cannot be kept while price_in and price_out are 0; "
                "give the prices"
            )
        if self.price_out and answer_limit(self._settings()) is None:
            raise ValueError(
                f"max_cost={self.max_cost} cannot be kept without a limit of the answer; set "
                "max_tokens, or max_completion_tokens in options"
            )

    def predict(self, texts: Any) -> np.ndarray:
        """Ask the model about each text.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels. A text whose answer names none gets the most frequent class, and a warning
            tells how many did.

        Raises
        ------
        CostCapReached
            When the next request might exceed `max_cost`.
        LLMError
            When there is no key, or the endpoint gives no answers. Those that came before are in
            the cache.
        """
        check_is_fitted(self)
        checked = check_texts(texts)
        self.check_parameters()
        reader = LabelReader(self.classes_.tolist())
        replies = self._replies(checked, reader.names)
        found = [reader.read(reply.content) for reply in replies]
        if None in found:
            self._account.count_unanswered(found.count(None))
            self._warn(replies[found.index(None)], found.count(None), len(found))
        positions = [self.fallback_ if position is None else position for position in found]
        return self.classes_[positions]

    def messages(self, text: str) -> list[dict[str, str]]:
        """What the model is told and asked about a text; nothing is sent.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of dict
            With ``role`` and ``content``.
        """
        check_is_fitted(self)
        names = LabelReader(self.classes_.tolist()).names
        return [*self._preamble(names), prompting.document_message(text, self.max_characters)]

    def _preamble(self, names: Sequence[str]) -> list[dict[str, str]]:
        named = dict(zip(self.classes_.tolist(), names, strict=True))
        shown = [named[label] for label in self.example_labels_.tolist()]
        return [
            prompting.system_message(prompting.check_prompt(self.prompt), names),
            *prompting.example_messages(self.example_texts_, shown),
        ]

    def _settings(self) -> dict[str, Any]:
        # Numbers of numpy, as a search gives them, are none to JSON.
        usual = {
            "temperature": None if self.temperature is None else float(self.temperature),
            "max_tokens": None if self.max_tokens is None else int(self.max_tokens),
        }
        return {**usual, **(self.options or {})}

    def _replies(self, texts: Sequence[str], names: Sequence[str]) -> list[Reply]:
        """The answer to each text."""
        preamble = self._preamble(names)
        settings = self._settings()
        address = chat_address(self.base_url)
        if getattr(self, "_from_file", False):
            check_consent(address, self.api_key_variable)
        endpoint = Endpoint(address, read_key(address, self.api_key_variable), self.timeout)

        def request_of(text: str) -> dict[str, Any]:
            document = prompting.document_message(text, self.max_characters)
            return build_request(self.model, [*preamble, document], settings)

        bar: Progress[None] = progress(
            total=len(texts), description=self.model, verbose=self.verbose, unit="texts"
        )
        with AnswerCache(self._folder()) as cache, bar:
            asker = Asker(
                endpoint,
                cache,
                self._account,
                Prices(self.price_in, self.price_out),
                self.max_cost,
                answer_limit(settings) or 0,
                self.max_retries,
            )
            return ask_all(texts, request_of, asker, n_jobs=self.n_jobs, bar=bar)

    def _folder(self) -> Path | None:
        if self.cache is False:
            return None
        return cache_dir() / "llm" if self.cache is True else Path(self.cache)

    def _warn(self, reply: Reply, n_unanswered: int, n_texts: int) -> None:
        answer = "none" if reply.content is None else repr(printable(reply.content, _SHOWN_ANSWER))
        warnings.warn(
            f"{n_unanswered} of {n_texts} texts got no label and take the most frequent class, "
            f"{self.classes_.tolist()[self.fallback_]!r}; the first answer without one is {answer}",
            stacklevel=3,
        )

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(_checked_state(state))
        self._from_file = True
        if state:
            self._open_account()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        tags.no_validation = True
        return tags


def _checked_state(state: dict[str, Any]) -> dict[str, Any]:
    """The fitted state of a file, which can hold anything."""
    if not state:
        return state
    classes, texts = state.get("classes_"), state.get("example_texts_")
    labels, fallback = state.get("example_labels_"), state.get("fallback_")
    sound = (
        set(state) == {"classes_", "example_texts_", "example_labels_", "fallback_"}
        and isinstance(classes, np.ndarray)
        and classes.ndim == 1
        and isinstance(texts, list)
        and all(type(text) is str for text in texts)
        and isinstance(labels, np.ndarray)
        and labels.shape == (len(texts),)
        and bool(np.isin(labels, classes).all())
        and type(fallback) is int
        and 0 <= fallback < len(classes)
    )
    if not sound:
        raise PersistError("the state of LLMClassifier does not fit together")
    return state
