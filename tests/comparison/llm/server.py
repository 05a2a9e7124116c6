"""An endpoint on the loopback interface that plays a language model, well or badly."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

PROMPT_TOKENS, COMPLETION_TOKENS = 100, 2


@dataclass(frozen=True)
class Plan:
    """How one request is answered.

    Attributes
    ----------
    content : object
        Of the message; what the model says by itself where it is left at "default".
    status : int
    body : bytes or None
        Sent instead of a chat completion.
    usage : object
        Of the completion; None leaves it out.
    choice : dict
        Further fields of the choice.
    headers : dict of str to str
    longer : int
        Bytes that the announced length has too many; negative: too few.
    cut : int or None
        Bytes of the body after which the connection is reset.
    stall : float
        Seconds to wait before the answer, or until the server is shut down.
    drip : float
        Seconds to wait after each byte of the headers.
    """

    content: Any = "default"
    status: int = 200
    body: bytes | None = None
    usage: Any = field(
        default_factory=lambda: {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": COMPLETION_TOKENS,
        }
    )
    choice: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    longer: int = 0
    cut: int | None = None
    stall: float = 0.0
    drip: float = 0.0


class Model:
    """What is asked and how it is answered.

    Attributes
    ----------
    plans : list of Plan
        For the requests in the order in which they come; the usual one follows the last.
    usual : Plan
    requests : list of dict
        Bodies that came.
    headers : list of http.client.HTTPMessage
        That came with them.
    most_at_a_time : int
        Requests that were under way together.
    """

    def __init__(self, says: Callable[[str], str]) -> None:
        self.says = says
        self.plans: list[Plan] = []
        self.usual = Plan()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[http.client.HTTPMessage] = []
        self.url = ""
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.under_way = self.most_at_a_time = 0

    @property
    def documents(self) -> list[str]:
        """Texts that were asked about."""
        return [document(request) for request in self.requests]


def document(request: dict[str, Any]) -> str:
    """The text that a request asks about."""
    content: str = request["messages"][-1]["content"]
    return content.removeprefix("<document>\n").removesuffix("\n</document>")


def longer_than_thirty(text: str) -> str:
    """A model that sorts texts by their length."""
    return "a" if len(text) > 30 else "b"


@contextlib.contextmanager
def serving(
    says: Callable[[str], str] = longer_than_thirty, tls: ssl.SSLContext | None = None
) -> Iterator[Model]:
    """Serve on a free port of 127.0.0.1 for the length of the block."""
    model = Model(says)
    server, thread = _start(model, tls)
    try:
        yield model
    finally:
        model.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@functools.cache
def standing() -> Model:
    """One that serves until the program ends."""
    model = Model(longer_than_thirty)
    _start(model)
    return model


def _start(
    model: Model, tls: ssl.SSLContext | None = None
) -> tuple[ThreadingHTTPServer, threading.Thread]:
    class Handler(_Handler):
        served = model

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        # The handshake is left to the thread of the request.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if tls is None else "https"
    model.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    return server, thread


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        pass  # clients that go away are what the tests are about


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Model]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.close_connection = True
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = self.served
        with model.lock:
            model.requests.append(request)
            model.headers.append(self.headers)
            plan = model.plans.pop(0) if model.plans else model.usual
            model.under_way += 1
            model.most_at_a_time = max(model.most_at_a_time, model.under_way)
        try:
            model.over.wait(plan.stall)
            with contextlib.suppress(OSError):
                self._answer(plan, request)
        finally:
            with model.lock:
                model.under_way -= 1

    def do_GET(self) -> None:
        # Whoever follows a redirection arrives here.
        with self.served.lock:
            self.served.headers.append(self.headers)
        self.send_error(404)

    def _answer(self, plan: Plan, request: dict[str, Any]) -> None:
        body = self._completion(plan, request) if plan.body is None else plan.body
        headers = {"Content-Length": str(len(body) + plan.longer), **plan.headers}
        if plan.drip:
            self._drip(plan.drip)
            return
        self.send_response(plan.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: plan.cut])
        if plan.cut is not None:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RDWR)

    def _completion(self, plan: Plan, request: dict[str, Any]) -> bytes:
        content = plan.content
        if content == "default":
            content = self.served.says(document(request))
        message = {"role": "assistant", "content": content}
        completion: dict[str, Any] = {
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message, **plan.choice}],
        }
        if plan.usage is not None:
            completion["usage"] = plan.usage
        return json.dumps(completion).encode()

    def _drip(self, seconds: float) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"o" * 10_000:
            self.wfile.write(bytes([byte]))
            time.sleep(seconds)
            if self.served.over.is_set():
                return
