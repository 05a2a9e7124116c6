"""One HTTP request: what is asked for, and what the answer says about itself."""

from __future__ import annotations

import email.message
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import IO
from urllib.parse import urlsplit

from textrep._version import __version__
from textrep.data.cards import is_address
from textrep.data.fetching.faults import Interrupted, Refused
from textrep.data.fetching.partial import Version, is_plain

TIMEOUT = 30.0  # seconds without a byte after which a connection counts as dead
MAX_REDIRECTS = 10
# Too early, too many requests, and what proxies and overloaded servers say.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_MAX_DIGITS = 18

_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow only from http to http or https, and from https to https."""

    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not is_address(newurl):
            raise Refused(f"redirected to {newurl!r}, which is neither http nor https")
        if req.type == "https" and urlsplit(newurl).scheme == "http":
            raise Refused(f"redirected from https to {newurl}, which anybody on the way can change")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def send(url: str, start: int, version: Version | None) -> http.client.HTTPResponse:
    """Ask for a file, or for the rest of it.

    Parameters
    ----------
    url : str
        Address, http or https.
    start : int
        Bytes that are here already; 0 asks for all of it.
    version : Version or None
        Version that those bytes belong to.

    Returns
    -------
    http.client.HTTPResponse
        With status 200, or 206 for the rest.

    Raises
    ------
    Refused
        When another attempt would end the same way.
    Interrupted
        When it might not.
    """
    if not is_address(url):
        raise Refused(f"{url!r} is not an address that starts with http or https")
    headers = {"User-Agent": f"textrep/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version is not None and version.validator:
            # A server that has another version by now sends all of that instead.
            headers["If-Range"] = version.validator
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            raise _status_fault(error) from None
    except urllib.error.URLError as error:
        raise connection_fault(error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise connection_fault(error) from None
    except ValueError as error:
        # An address in a redirection that http.client will not send.
        raise Refused(f"the server redirects to an address that makes no sense: {error}") from None
    if answer.status not in {200, 206}:
        answer.close()
        raise Refused(f"the server answered {answer.status} {answer.reason}, not with a file")
    if fault := _no_file(answer, url):
        answer.close()
        raise Refused(fault)
    return answer


def _no_file(answer: http.client.HTTPResponse, url: str) -> str | None:
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    # Some servers announce a .gz file as gzip coding; its bytes are the file all the same.
    if coding not in {"", "identity"} and not urlsplit(url).path.endswith((".gz", ".tgz")):
        return f"the server sent the file in the coding {coding!r}, which it was not asked for"
    kind = answer.headers.get_content_type()
    if kind == "text/html" and "Content-Type" in answer.headers and not url.endswith("html"):
        return "a web page came instead of the file, as from a log-in or a notice of a move"
    return None


def _status_fault(error: urllib.error.HTTPError) -> Refused | Interrupted:
    reason = " ".join(str(error.reason).split())
    if 300 <= error.code < 400:
        return Refused(f"the server's redirection cannot be followed: {reason}")
    what = f"the server answered {error.code} {reason}"
    if error.code in _PASSING:
        return Interrupted(what, wait=_seconds(error.headers.get("Retry-After", "")))
    if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Interrupted(what, restart=True)
    return Refused(what)


def _seconds(text: str) -> float | None:
    plain = text.strip()
    return float(plain) if plain.isascii() and plain.isdigit() and len(plain) < 6 else None


def connection_fault(error: object) -> Refused | Interrupted:
    """What a failed connection means.

    Parameters
    ----------
    error : object
        Exception, or what an exception of urllib gives as its reason.

    Returns
    -------
    Refused or Interrupted
        To be raised.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(f"the server's certificate is not valid: {error.verify_message}")
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
        return Refused("there is no server of that name, or no network")
    if isinstance(error, TimeoutError):
        return Interrupted(f"nothing came for {TIMEOUT:.0f} seconds")
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return Interrupted(f"the connection failed: {text}")


def described(answer: http.client.HTTPResponse, url: str) -> tuple[Version, int]:
    """Version of the file that an answer belongs to, and where in it the answer starts.

    Parameters
    ----------
    answer : http.client.HTTPResponse
        With status 200 or 206.
    url : str
        Where it was asked for.

    Returns
    -------
    Version, int

    Raises
    ------
    Interrupted
        When the answer contradicts itself.
    """
    headers = answer.headers
    start, length = 0, None
    if answer.status == 206:
        found = parse_range(headers.get("Content-Range", ""))
        if found is None:
            raise Interrupted(
                "the server sent a part of the file without saying which", restart=True
            )
        start, length = found
    else:
        length = parse_length(headers)
    etag = headers.get("ETag", "").strip()
    # A weak tag promises the same meaning, not the same bytes.
    strong = etag if etag.startswith('"') and is_plain(etag) else ""
    modified = headers.get("Last-Modified", "").strip()
    return Version(url, strong, modified if is_plain(modified) else "", length), start


def parse_length(headers: email.message.Message) -> int | None:
    """Length of the body that an answer announces.

    Parameters
    ----------
    headers : email.message.Message
        Of the answer.

    Returns
    -------
    int or None
        None where it announces none that makes sense.
    """
    text = headers.get("Content-Length", "").strip()
    sound = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if sound else None


def parse_range(text: str) -> tuple[int, int | None] | None:
    """First byte and length of the whole file, of a ``Content-Range``.

    Parameters
    ----------
    text : str
        Value of the header.

    Returns
    -------
    tuple of int and (int or None), or None
        The length is None where the server writes an asterisk; None for anything that makes no
        sense, or that stops before the end of the file.

    Examples
    --------
    >>> parse_range("bytes 10-99/100"), parse_range("bytes 10-99/*"), parse_range("bytes */100")
    ((10, 100), (10, None), None)
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or not text.isascii():
        return None
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    if first > last or (total is not None and last != total - 1):
        return None
    return first, total


def mirrored(url: str, mirror: str | None) -> str:
    """Address of a file on a mirror.

    Parameters
    ----------
    url : str
        Address that its publisher gives.
    mirror : str or None
        Address of a folder that holds each file under the name of its host and its path, as
        ``wget -x`` lays them out; None leaves the address as it is.

    Returns
    -------
    str

    Examples
    --------
    >>> mirrored("https://example.org/sets/pets.zip", "http://localhost:8000/data")
    'http://localhost:8000/data/example.org/sets/pets.zip'
    """
    if mirror is None:
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    base = mirror if mirror.endswith("/") else f"{mirror}/"
    return f"{base}{parts.hostname}{parts.path}{query}"
