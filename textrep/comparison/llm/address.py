"""Where an endpoint is, and the key that it is shown."""

from __future__ import annotations

import ipaddress
import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from textrep.comparison.llm.errors import LLMError
from textrep.core.messages import shown

HOSTS_VARIABLE = "TEXTREP_LLM_HOSTS"
"""Environment variable with the hosts, joined by commas, that models from files may send to."""

_PATH = "/chat/completions"
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Parts of the address that requests go to."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def chat_address(base_url: Any) -> Address:
    """The address of chat completions under a base address.

    Parameters
    ----------
    base_url : str
        Such as ``"https://api.openai.com/v1"``, with or without ``/chat/completions``.

    Returns
    -------
    Address

    Raises
    ------
    ValueError
        When it is no plain address, or holds a user, a query or a fragment.

    Examples
    --------
    >>> str(chat_address("http://localhost:11434/v1/"))
    'http://localhost:11434/v1/chat/completions'
    """
    expected = "expected an address such as 'https://api.openai.com/v1'"
    if not isinstance(base_url, str) or not base_url.isascii() or not base_url.isprintable():
        raise ValueError(f"base_url={shown(base_url)}: {expected}")
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"base_url={shown(base_url)}: {error}; {expected}") from None
    if "@" in parts.netloc:
        # Not shown: what stands before the @ may be a password.
        raise ValueError("base_url holds a user name; leave it out and name the key's variable")
    if parts.query or parts.fragment:
        # Not shown: some put their key into the query.
        raise ValueError("base_url holds a query or a fragment; leave out what follows ? or #")
    if parts.scheme not in _PORTS or not parts.hostname or " " in base_url:
        raise ValueError(f"base_url={shown(base_url)}: {expected}")
    path = parts.path.rstrip("/")
    if not path.endswith(_PATH):
        path += _PATH
    return Address(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path)


def check_secrecy(address: Address, variable: str | None) -> None:
    """Refuse to show a key to everybody on the way.

    Parameters
    ----------
    address : Address
        Of the endpoint.
    variable : str or None
        Environment variable of the key; None sends none.

    Raises
    ------
    ValueError
        When a key would cross the network without encryption.

    Examples
    --------
    >>> check_secrecy(chat_address("http://127.0.0.1:8000/v1"), "OPENAI_API_KEY")
    """
    if address.scheme == "http" and not address.is_loopback and variable is not None:
        raise ValueError(
            f"base_url leads to {address.host} by plain http, where anybody on the way could read "
            "the key; use https, or set api_key_variable=None for an endpoint that needs no key"
        )


def check_consent(address: Address, variable: str | None) -> None:
    """Refuse to send anything where only a file says it should go.

    Model files of others can be opened safely. This one names an address and an environment
    variable, so whoever made it could have the texts, and any secret of the environment, sent to
    an address of their choice.

    Parameters
    ----------
    address : Address
        That the file names; one on this machine is all right.
    variable : str or None
        Environment variable of the key, that the file names.

    Raises
    ------
    LLMError
        When the user has not named the host in ``TEXTREP_LLM_HOSTS``.

    Examples
    --------
    >>> check_consent(chat_address("http://127.0.0.1:8000/v1"), "OPENAI_API_KEY")
    """
    trusted = {host.strip().lower() for host in os.environ.get(HOSTS_VARIABLE, "").split(",")}
    if address.is_loopback or address.host in trusted:
        return
    key = "" if variable is None else f", and the value of the environment variable {variable},"
    raise LLMError(
        f"this model comes from a file, and would send the texts{key} to {address.host}; if that "
        f"is right, set the environment variable {HOSTS_VARIABLE}={address.host}"
    )


def read_key(address: Address, variable: str | None) -> str | None:
    """The key from the environment.

    Parameters
    ----------
    address : Address
        Of the endpoint; one on this machine may do without a key.
    variable : str or None
        Name of the environment variable; None for no key.

    Returns
    -------
    str or None

    Raises
    ------
    LLMError
        When the variable is not set, or holds what no key can be; its value is never shown.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        if address.is_loopback:
            return None
        raise LLMError(
            f"the environment variable {variable}, which api_key_variable names, is not set; set "
            f"it to the key for {address.host}, or api_key_variable=None if none is needed"
        )
    # Line ends would add headers of their own; http.client's error would repeat the key.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise LLMError(
            f"the environment variable {variable} holds spaces, line ends or characters beyond "
            "ASCII, which no key has; set it again"
        )
    return key
