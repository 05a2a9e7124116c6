"""A publisher on the loopback interface, who keeps its promises or breaks them as a test asks.

As a program it serves a folder, laid out as ``wget -x`` does and as slowly as is asked for, to try
by hand what a download does when it is killed::

    python -m tests.data.publisher FOLDER --pace 0.05
    textrep data fetch NAME --mirror http://127.0.0.1:PORT
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Plan:
    """How one request is answered.

    Attributes
    ----------
    cut : int or None
        Bytes of the body after which the connection is reset.
    longer : int
        Bytes that the announced length has too many; negative: too few.
    ranges : bool
        Whether a Range is heeded.
    etag, modified : bool
        Which validators are sent.
    weak : bool
        Whether the entity tag is a weak one.
    status : int or None
        Answer with this status and no file.
    headers : dict of str to str
        More headers; they replace usual ones of the same name.
    stall : float
        Seconds to wait in the middle of the body.
    pace : float
        Seconds to wait after each 16 kB.
    closed : bool
        Whether the end of the connection is all that tells the end of the body.
    chunked : bool
        Whether the body is sent in chunks.
    start : int
        Bytes that the part sent in answer to a Range starts too late.
    """

    cut: int | None = None
    longer: int = 0
    ranges: bool = True
    etag: bool = True
    modified: bool = True
    weak: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0
    pace: float = 0.0
    closed: bool = False
    chunked: bool = False
    start: int = 0


class Publisher:
    """What is served, and what was asked for.

    Attributes
    ----------
    files : dict of str to bytes
        Content of each path.
    plans : dict of str to list of Plan
        How the requests for a path are answered, in order; the last plan serves all that follow.
    asked : list of (str, str)
        Path and Range of each request.
    sent : int
        Bytes of bodies sent.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.plans: dict[str, list[Plan]] = {}
        self.asked: list[tuple[str, str]] = []
        self.sent = 0
        self.url = ""
        self.lock = threading.Lock()

    def plan(self, path: str) -> Plan:
        with self.lock:
            plans = self.plans.get(path, [Plan()])
            return plans.pop(0) if len(plans) > 1 else plans[0]


@contextlib.contextmanager
def publishing() -> Iterator[Publisher]:
    """Serve on a free port of 127.0.0.1 for the length of the block."""
    publisher = Publisher()

    class Handler(_Handler):
        served = publisher

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    publisher.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Publisher]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        content = self.served.files.get(self.path)
        asked = self.headers.get("Range", "")
        with self.served.lock:
            self.served.asked.append((self.path, asked))
        plan = self.served.plan(self.path)
        if plan.status is None and content is None:
            plan = Plan(status=404)
        if plan.status is not None:
            self.send_response(plan.status)
            for name, value in {"Content-Length": "0", **plan.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            return
        assert content is not None
        tag = f'{"W/" if plan.weak else ""}"{hashlib.md5(content).hexdigest()}"'
        # Another content has another date.
        second = time.gmtime(zlib.crc32(content))
        changed = time.strftime("%a, %d %b %Y %H:%M:%S GMT", second)
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        if plan.etag:
            headers["ETag"] = tag
        if plan.modified:
            headers["Last-Modified"] = changed
        condition = self.headers.get("If-Range")
        start = 0
        if asked and plan.ranges and condition in {None, tag, changed}:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start += plan.start
            self.send_response(206)
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        else:
            self.send_response(200)
        body = content[start:]
        if plan.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif not plan.closed:
            headers["Content-Length"] = str(len(body) + plan.longer)
        for name, value in {**headers, **plan.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self._send(body, plan)

    def _send(self, body: bytes, plan: Plan) -> None:
        end = len(body) if plan.cut is None else min(plan.cut, len(body))
        for at in range(0, end, 1 << 14):
            piece = body[at : min(at + (1 << 14), end)]
            if plan.chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            self.wfile.write(piece)
            with self.served.lock:
                self.served.sent += len(piece)
            if plan.stall and at == 0:
                time.sleep(plan.stall)
            if plan.pace:
                time.sleep(plan.pace)
        if plan.cut is not None and plan.cut < len(body):
            # At once, whatever is still on its way.
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            if plan.cut % 2:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RDWR)
        elif plan.chunked:
            self.wfile.write(b"0\r\n\r\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a folder to try downloads on.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pace", type=float, default=0.0, help="seconds to wait each 16 kB")
    arguments = parser.parse_args()
    with publishing() as publisher:
        for file in arguments.folder.rglob("*"):
            if file.is_file():
                address = f"/{file.relative_to(arguments.folder).as_posix()}"
                publisher.files[address] = file.read_bytes()
                publisher.plans[address] = [Plan(pace=arguments.pace)]
        print(publisher.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)


if __name__ == "__main__":
    main()
