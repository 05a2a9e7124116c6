"""Answers on disk, so that none is paid for twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textrep.comparison.llm.reply import Reply
from textrep.comparison.llm.tokens import Tokens
from textrep.core.messages import printable

FILE = "answers.sqlite3"
_BUSY_SECONDS = 30.0  # that another process may take to write its answer
_TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, content TEXT, "
    "prompt_tokens INTEGER, completion_tokens INTEGER, seconds REAL NOT NULL)"
)
# Python cannot read what SQLite says of a schema with other bytes than UTF-8 in it.
_FAULTS = (OSError, sqlite3.Error, UnicodeDecodeError)
_FIND = "SELECT content, prompt_tokens, completion_tokens, seconds FROM answers WHERE key = ?"
_KEEP = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)"


def request_key(url: str, request: Mapping[str, Any]) -> str:
    """Name of a request in the cache; neither the text nor the API key can be got back from it.

    Parameters
    ----------
    url : str
        Address that it goes to.
    request : mapping
        All that is sent: model, messages, settings.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Examples
    --------
    >>> len(request_key("http://localhost/v1/chat/completions", {"model": "m"}))
    64
    """
    return hashlib.sha256(json.dumps([url, request], sort_keys=True).encode()).hexdigest()


class AnswerCache:
    """Answers by the keys of their requests, shared by threads and processes.

    What is wrong with the file costs answers, never the predictions: a damaged file is set aside
    under another name, and where nothing can be written the cache is done without. Both are said
    in a warning.

    Parameters
    ----------
    folder : Path or None
        It is made where it is missing; None keeps nothing.

    Attributes
    ----------
    keeps : bool
        Whether a folder was given.

    Examples
    --------
    >>> import tempfile
    >>> with AnswerCache(Path(tempfile.mkdtemp())) as cache:
    ...     cache.put("key", Reply("spam", Tokens(12, 1), seconds=0.5))
    ...     cache.get("key").content
    'spam'
    """

    def __init__(self, folder: Path | None) -> None:
        self.keeps = folder is not None
        self._path = None if folder is None else folder / FILE
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> AnswerCache:
        with self._lock, self._mending():
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._close()

    def get(self, key: str) -> Reply | None:
        """The answer that was kept, or None.

        Parameters
        ----------
        key : str

        Returns
        -------
        Reply or None
        """
        row = None
        with self._lock, self._mending():
            if self._database is not None:
                row = self._database.execute(_FIND, (key,)).fetchone()
        return None if row is None else _reply(*row)

    def put(self, key: str, reply: Reply) -> None:
        """Keep an answer; it is on disk when this returns.

        Parameters
        ----------
        key : str
        reply : Reply
        """
        counts = reply.tokens or (None, None)
        with self._lock, self._mending():
            if self._database is not None:
                with self._database:
                    row = (key, _storable(reply.content), *counts, reply.seconds)
                    self._database.execute(_KEEP, row)

    def _open(self) -> None:
        if self._path is None:
            return
        # Answers may tell what is in private documents.
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
        with self._database:
            self._database.execute(_TABLE)
            self._database.execute(_FIND, ("",))  # a table of other columns fails here

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    @contextlib.contextmanager
    def _mending(self) -> Any:
        try:
            yield
        except _FAULTS as error:
            damaged = isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError) and not (
                isinstance(error, sqlite3.OperationalError)
            )
            self._close()
            if damaged or "no such column" in str(error):
                self._set_aside(error)
            else:
                self._do_without(error)

    def _set_aside(self, error: Exception) -> None:
        assert self._path is not None
        aside = next(
            name
            for number in range(1, 10_000)
            if not (name := self._path.with_name(f"{FILE}.damaged-{number}")).exists()
        )
        try:
            # Another process may have been faster.
            with contextlib.suppress(FileNotFoundError):
                self._path.replace(aside)
            self._open()
        except _FAULTS as second:
            self._close()
            self._do_without(second)
            return
        warnings.warn(
            f"{printable(str(self._path))} is damaged ({error}); it is now {aside.name}, and its "
            "answers have to be asked for again",
            stacklevel=2,
        )

    def _do_without(self, error: Exception) -> None:
        warnings.warn(
            f"answers cannot be kept in {printable(str(self._path))} ({error}): asking again will "
            "cost again; make room, or name another folder in cache",
            stacklevel=2,
        )


def _storable(content: str | None) -> str | None:
    # JSON can hold halves of surrogate pairs, SQLite's text cannot.
    return None if content is None else content.encode("utf-8", "replace").decode()


def _reply(content: Any, prompt: Any, completion: Any, seconds: Any) -> Reply | None:
    """A row as it was kept; None for one that nobody kept like this."""
    if not (content is None or isinstance(content, str)) or not isinstance(seconds, float):
        return None
    if prompt is None or completion is None:
        return Reply(content, None, seconds)
    if not (isinstance(prompt, int) and isinstance(completion, int)) or min(prompt, completion) < 0:
        return None
    return Reply(content, Tokens(prompt, completion), seconds)
