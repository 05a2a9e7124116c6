"""What the transformers from texts to texts share."""

from __future__ import annotations

from typing import Any, Self

from textrep.core.text import check_texts


class TextsToTexts:
    """Mixin for transformers of texts that learn nothing from them.

    Examples
    --------
    >>> from textrep.preprocess import Stemmer
    >>> Stemmer().__sklearn_is_fitted__()
    True
    """

    def fit(self, texts: Any, y: Any = None) -> Self:
        """Check the parameters and the texts; there is nothing to learn.

        Parameters
        ----------
        texts : iterable of str, of shape (n_samples,)
        y : ignored

        Returns
        -------
        self
        """
        self._check_parameters()
        check_texts(texts)
        return self

    def _check_parameters(self) -> None:
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return tag_texts(super().__sklearn_tags__(), requires_fit=False)  # type: ignore[misc]


def tag_texts(tags: Any, *, requires_fit: bool) -> Any:
    """scikit-learn's tags of a transformer of texts.

    Parameters
    ----------
    tags : sklearn.utils.Tags
        Those of its base classes; changed.
    requires_fit : bool

    Returns
    -------
    sklearn.utils.Tags

    Examples
    --------
    >>> from sklearn.utils import get_tags
    >>> from textrep.preprocess import Stemmer
    >>> get_tags(Stemmer()).input_tags.string
    True
    """
    tags.input_tags.string = True
    tags.input_tags.two_d_array = False
    tags.requires_fit = requires_fit
    tags.no_validation = True
    return tags
