"""The proxy through which the environment wants encrypted connections to go."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from textrep.data.fetching.faults import Refused

_PORT = 80


class Proxy(NamedTuple):
    """Where it is, and what it is told before it opens the tunnel."""

    host: str
    port: int
    headers: dict[str, str]


def find_proxy(host: str) -> Proxy | None:
    """The proxy for https to a host, of ``https_proxy`` and ``no_proxy`` or the system's settings.

    It opens a tunnel and sees neither the key nor the texts.

    Parameters
    ----------
    host : str
        That is to be reached.

    Returns
    -------
    Proxy or None
        None where the connection is direct.

    Raises
    ------
    Refused
        When the address of the proxy makes no sense.

    Examples
    --------
    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, https_proxy="http://me:1@proxy:3128", no_proxy="a.org"):
    ...     find_proxy("a.org"), find_proxy("b.org")
    (None, Proxy(host='proxy', port=3128, headers={'Proxy-Authorization': 'Basic bWU6MQ=='}))
    """
    named = urllib.request.getproxies().get("https", "")
    if not named or urllib.request.proxy_bypass(host):
        return None
    try:
        parts = urlsplit(named if "://" in named else f"http://{named}")
        port = parts.port or _PORT
    except ValueError:
        port = 0
    if not port or not parts.hostname:
        # Not shown: it may hold a password.
        raise Refused("the address of the proxy makes no sense", "correct https_proxy")
    headers = {}
    if parts.username is not None:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(who.encode()).decode()}"
    return Proxy(parts.hostname, port, headers)
