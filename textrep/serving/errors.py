"""The error of a server that cannot start."""


class ServingError(ValueError):
    """The model, the address or the settings do not allow a server.

    Examples
    --------
    >>> issubclass(ServingError, ValueError)
    True
    """
