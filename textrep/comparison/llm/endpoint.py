"""One request to an endpoint: sent once, within a time limit, and broken off at will."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from textrep._version import __version__
from textrep.comparison.llm.address import Address
from textrep.comparison.llm.proxy import Proxy, find_proxy
from textrep.core.messages import printable
from textrep.data.fetching.faults import Interrupted, Refused
from textrep.data.fetching.request import connection_fault

CONNECT_SECONDS = 10.0  # a host that is there accepts in far less
MAX_BODY = 4 << 20  # bytes; the longest answers that models give are a tenth of it
# Too slow, in conflict with another request, too early, too many; what servers say of themselves
# (500 and above) passes too.
_PASSING = {408, 409, 425, 429}
_FIXES = {
    400: "check model, prompt, max_tokens, temperature and options",
    401: "check the key in the environment variable that api_key_variable names",
    403: "check the key in the environment variable that api_key_variable names",
    404: "check base_url and model",
}


class AnswerLost(Interrupted):
    """The request went out, but no whole answer came: the server may have charged for it."""


class Endpoint:
    """Sends requests, from any number of threads.

    Parameters
    ----------
    address : Address
        Where to.
    key : str or None
        Shown to the server and to nobody else: it is cut out of whatever the server says.
    timeout : float
        Seconds that one request may take in all.

    Attributes
    ----------
    closed : threading.Event
        Set by `close`; no request is sent after it.
    """

    def __init__(self, address: Address, key: str | None, timeout: float) -> None:
        self.address = address
        self.closed = threading.Event()
        self._key = key
        self._timeout = timeout
        self._open: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Break off all requests that are under way, and send no more."""
        with self._lock:
            self.closed.set()
            for connection in self._open:
                _abort(connection)

    def post(self, body: bytes) -> bytes:
        """Send one request.

        Parameters
        ----------
        body : bytes
            JSON.

        Returns
        -------
        bytes
            Body of the answer, of `MAX_BODY` bytes at most.

        Raises
        ------
        Refused
            When another attempt would end the same way.
        Interrupted
            When it might not; `AnswerLost` once the request had gone out.
        """
        connection = self._connection()
        with self._lock:
            if self.closed.is_set():
                raise Refused("stopped")
            self._open.add(connection)
        deadline = time.monotonic() + self._timeout
        # The socket's own time limit starts anew with every byte.
        limit = threading.Timer(self._timeout, _abort, [connection])
        limit.daemon = True
        limit.start()
        try:
            status, reason, headers, content = self._exchange(connection, body, deadline)
        finally:
            limit.cancel()
            with self._lock:
                self._open.discard(connection)
            connection.close()
        if 200 <= status < 300:
            return content
        raise _status_fault(status, reason, headers, content)

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes, deadline: float
    ) -> tuple[int, str, http.client.HTTPMessage, bytes]:
        sent = False
        try:
            connection.connect()
            # Until now there was no socket that `close` could have broken off.
            if self.closed.is_set() or time.monotonic() >= deadline:
                raise TimeoutError
            connection.sock.settimeout(self._timeout)
            connection.request("POST", self.address.path, body, self._headers)
            sent = True
            answer = connection.getresponse()
            content = answer.read(MAX_BODY + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._fault(error, sent, late=time.monotonic() >= deadline) from None
        # A connection that was broken off looks like one that ended.
        if time.monotonic() >= deadline or self.closed.is_set():
            raise self._fault(TimeoutError(), sent, late=True)
        if answer.status < 300:
            if len(content) > MAX_BODY:
                raise AnswerLost(f"the answer is longer than {MAX_BODY:,} bytes")
            if answer.length:
                raise AnswerLost("the connection ended in the middle of the answer")
        return answer.status, answer.reason, answer.headers, self._without_key(content)

    def _fault(self, error: Exception, sent: bool, late: bool) -> Refused | Interrupted:
        if self.closed.is_set():
            return Refused("stopped")
        if late or isinstance(error, TimeoutError):
            what = f"no whole answer came within {self._timeout:g} seconds"
            return AnswerLost(what) if sent else Interrupted("the server cannot be reached in time")
        fault = connection_fault(error)
        return AnswerLost(str(fault)) if sent else fault

    def _without_key(self, content: bytes) -> bytes:
        return content.replace(self._key.encode(), b"[key]") if self._key else content

    def _connection(self) -> http.client.HTTPConnection:
        seconds = min(self._timeout, CONNECT_SECONDS)
        host, port = self.address.host, self.address.port
        if self.address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        if self._proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=self._tls)
        tunnel = http.client.HTTPSConnection(
            self._proxy.host, self._proxy.port, timeout=seconds, context=self._tls
        )
        tunnel.set_tunnel(host, port, self._proxy.headers)
        return tunnel

    @cached_property
    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"textrep/{__version__}",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    @cached_property
    def _proxy(self) -> Proxy | None:
        return None if self.address.is_loopback else find_proxy(self.address.host)


def _abort(connection: http.client.HTTPConnection) -> None:
    """Wake the thread that waits on a connection; TLS is given no chance to wait for a farewell."""
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _status_fault(
    status: int, reason: str, headers: http.client.HTTPMessage, content: bytes
) -> Refused | Interrupted:
    if 300 <= status < 400:
        # Never followed: the key is for the server that was named.
        target = printable(headers.get("Location", "nowhere"))
        return Refused(f"the server redirects to {target}", "name the right server in base_url")
    what = f"the server answered {status} {printable(reason)}".rstrip()
    if said := _complaint(content):
        what += f": {said}"
    if status in _PASSING or status >= 500:
        return Interrupted(what, wait=retry_after(headers.get("Retry-After", "")))
    return Refused(what, _FIXES.get(status, ""))


def _complaint(content: bytes) -> str:
    """The message in an error's JSON, or the first line of what is no such JSON."""
    text = content.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError, RecursionError):
        said: Any = json.loads(text)
        if isinstance(said, dict):
            error = said.get("error", said)
            said = error.get("message") if isinstance(error, dict) else error
        if isinstance(said, str):
            text = said
    return printable(next(iter(text.splitlines()), ""))


def retry_after(text: str) -> float | None:
    """Seconds that a server asks to wait.

    Parameters
    ----------
    text : str
        Value of the header ``Retry-After``: seconds or a date.

    Returns
    -------
    float or None
        None where it makes no sense.

    Examples
    --------
    >>> retry_after("2"), retry_after("soon"), retry_after("Thu, 01 Jan 1970 00:00:00 GMT")
    (2.0, None, 0.0)
    """
    plain = text.strip()
    if plain.isascii() and plain.replace(".", "", 1).isdigit():
        return float(plain)
    try:
        moment = email.utils.parsedate_to_datetime(plain)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
