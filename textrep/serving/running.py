"""`run_server`: the application behind a socket, in one process or several."""

from __future__ import annotations

import dataclasses
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrep.core.messages import printable
from textrep.serving.app import create_app, need_packages
from textrep.serving.asking import check_positive
from textrep.serving.errors import ServingError
from textrep.serving.metrics import Metrics
from textrep.serving.served import ServedModel, open_served

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Config

# What a worker is told by the process that starts it.
_VARIABLE = "TEXTREP_SERVER"
_FACTORY = "textrep.serving.running:app_of_worker"

_MAX_PORT = 65_535
_BACKLOG = 2048
# Longer than the minute for which load balancers keep a connection that is not used: whoever
# closes it first must not be the one that requests are on their way to.
_KEEP_ALIVE_SECONDS = 75
# For requests in flight when the server is told to stop; what is killed then had its chance.
_SHUTDOWN_SECONDS = 30
# In which a worker must answer its parent, from its first moment on. uvicorn's five seconds are too
# few on a busy machine: it would be killed again and again before it had begun.
_ALIVE_SECONDS = 60
_LOG = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class ServerOptions:
    """Where a server listens, and how much it does.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        Name or address to listen at; ``"0.0.0.0"`` is all of this machine.
    port : int, default=8000
        0 takes one that is free.
    workers : int, default=1
        Processes that answer, each with the model in its own memory.
    batch, max_texts, max_characters, max_wait
        See `create_app`.

    Raises
    ------
    ServingError
        When the port or the number of workers is out of its range.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    batch: int = 64
    max_texts: int = 1000
    max_characters: int = 1_000_000
    max_wait: float = 30.0

    def __post_init__(self) -> None:
        check_positive("workers", self.workers)
        if not 0 <= self.port <= _MAX_PORT:
            raise ServingError(f"port is {self.port}; expected a number from 0 to {_MAX_PORT:,}")

    @property
    def of_app(self) -> dict[str, Any]:
        """The arguments of `create_app`."""
        names = ("batch", "max_texts", "max_characters", "max_wait")
        return {name: getattr(self, name) for name in names}


def run_server(
    model: str | os.PathLike[str],
    options: ServerOptions | None = None,
    *,
    on_ready: Callable[[ServedModel, str], None] = lambda model, address: None,
) -> None:
    """Serve a saved model until the process is told to stop.

    On SIGTERM and SIGINT no further request is taken, and those in flight are answered.

    Parameters
    ----------
    model : str or path-like
        See `open_served`. Each worker makes sure that it loads the same file.
    options : ServerOptions, optional
    on_ready : callable, optional
        Told the model and the address when requests can be sent.

    Raises
    ------
    ServingError
        When the model cannot be served, the address is not to be had, or a setting is out of its
        range.
    ModuleNotFoundError
        When fastapi or uvicorn is not installed.
    """
    need_packages("fastapi", "uvicorn")
    options = options or ServerOptions()
    # Before the model, which may take a minute to load.
    with _bound(options.host, options.port) as listener:
        served = open_served(model)
        app = create_app(served, **options.of_app)
        _listen(listener, options.host, options.port)
        on_ready(served, _address(options.host, listener))
        if options.workers == 1:
            _run_alone(app, listener)
        else:
            checksum = served.checksum
            del app, served  # which the workers load for themselves
            _run_workers(model, checksum, options, listener)


def _bound(host: str, port: int) -> socket.socket:
    """A socket of the address, on which nobody listens yet."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _no_address(host, port, error) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # So that the port is free again as soon as the server has stopped.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _no_address(host, port, error) from error
    return listener


def _listen(listener: socket.socket, host: str, port: int) -> None:
    """Let requests come; they wait until somebody takes them."""
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        # Two may be bound to an address as long as neither listens.
        raise _no_address(host, port, error) from error


def _no_address(host: str, port: int, error: Exception) -> ServingError:
    fault = getattr(error, "strerror", None) or error
    return ServingError(f"{printable(host)}, port {port}: {fault}; give another host or port")


def _address(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def _config(app: FastAPI | str, workers: int = 1) -> Config:
    from uvicorn import Config

    return Config(
        app,
        workers=workers,
        factory=isinstance(app, str),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=_ALIVE_SECONDS,
    )


def _run_alone(app: FastAPI, listener: socket.socket) -> None:
    from uvicorn import Server

    # uvicorn sends itself the signal again when all is answered, to end as the signal asks.
    signal.signal(signal.SIGTERM, _exit)
    Server(_config(app)).run([listener])


def _exit(number: int, frame: Any) -> None:
    sys.exit(0)


def _run_workers(
    model: str | os.PathLike[str], checksum: str, options: ServerOptions, listener: socket.socket
) -> None:
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="textrep-counts-") as counts:
        os.environ[_VARIABLE] = json.dumps(
            {
                "model": os.fspath(model),
                "checksum": checksum,
                "counts": counts,
                "options": dataclasses.asdict(options),
            }
        )
        Multiprocess(_config(_FACTORY, options.workers), [listener]).run()


def app_of_worker() -> FastAPI:
    """The application of one of several workers, as the process that started it wants it.

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    SystemExit
        When the model cannot be loaded any more, or its file has been replaced since the server was
        started: two workers never serve different models. It stops the server.
    """
    from uvicorn.config import STARTUP_FAILURE

    _end_with_parent()
    told = json.loads(os.environ[_VARIABLE])
    options = ServerOptions(**told["options"])
    try:
        served = open_served(told["model"])
        if served.checksum != told["checksum"]:
            where = printable(told["model"])
            raise ServingError(f"{where}: was replaced while the server ran; start it again")
    except ServingError as error:
        _LOG.error("%s", error)
        sys.exit(STARTUP_FAILURE)
    return create_app(served, metrics=Metrics(Path(told["counts"])), **options.of_app)


def _end_with_parent() -> None:
    """Stop when the process that started this one is gone: even one that was killed leaves no
    workers behind, which would keep its port.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
