"""The error of a comparison that cannot begin."""


class ComparisonError(ValueError):
    """The texts, the labels or the settings do not allow a comparison.

    Examples
    --------
    >>> issubclass(ComparisonError, ValueError)
    True
    """
