"""Load for a server on this machine: requests one after another on each of some connections.

    python benchmarks/serving_load.py PORT CONNECTIONS REQUESTS BODIES

BODIES is a JSON list of bodies, which are sent to /predict in turn. A tenth of the requests come
before the clock starts. Printed as JSON are the requests per second, the quantiles of their times
in milliseconds, how many were not answered with status 200, and how many were sent in all.

The client is a hundred lines on bare sockets: a library's would take longer than the server.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_WARM_UP = 0.1  # of the requests
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass
class Load:
    """What is left to send, and what came back."""

    requests: Iterator[bytes]
    left: int
    seconds: list[float] = field(default_factory=list)
    errors: int = 0

    def next(self) -> bytes | None:
        """The next request, None when all were sent."""
        if not self.left:
            return None
        self.left -= 1
        return next(self.requests)


class Connection(asyncio.Protocol):
    """Sends a request as soon as the one before it is answered."""

    def __init__(self, load: Load, ended: asyncio.Future[None]) -> None:
        self._load = load
        self._ended = ended
        self._received = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END_OF_HEAD)
        if not found or len(body) < _length(head):
            return
        self._load.seconds.append(time.perf_counter() - self._begun)
        self._load.errors += not head.startswith(b"HTTP/1.1 200 ")
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._load.errors += 1  # with a request on its way
            self._ended.set_result(None)

    def _send(self) -> None:
        request = self._load.next()
        if request is None:
            if not self._ended.done():
                self._ended.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line[len(_LENGTH) :]) for line in lines if line.startswith(_LENGTH))


def requests_of(bodies: list[str], port: int) -> Iterator[bytes]:
    """The bodies as requests, in turn, without end."""
    requests = []
    for body in bodies:
        data = body.encode()
        head = (
            f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        requests.append(head.encode() + data)
    while True:
        yield from requests


async def send(port: int, connections: int, load: Load) -> float:
    """Send all that is left; seconds it took."""
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    begun = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(load, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return time.perf_counter() - begun


def measure(port: int, connections: int, n_requests: int, bodies: list[str]) -> dict[str, float]:
    """Warm up, then measure."""
    requests = requests_of(bodies, port)
    warm_up = Load(requests, max(connections, int(n_requests * _WARM_UP)))
    asyncio.run(send(port, connections, warm_up))
    load = Load(requests, n_requests)
    spent = asyncio.run(send(port, connections, load))
    times = sorted(load.seconds)
    return {
        "requests_per_second": len(times) / spent,
        "p50": 1e3 * statistics.median(times),
        "p99": 1e3 * times[math.ceil(0.99 * len(times)) - 1],
        "errors": load.errors + warm_up.errors,
        "sent": len(load.seconds) + len(warm_up.seconds),
    }


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:4]]
    print(json.dumps(measure(*numbers, json.loads(Path(sys.argv[4]).read_text()))))
