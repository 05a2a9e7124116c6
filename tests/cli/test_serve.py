"""`textrep serve` as a program: it starts, answers, and stops without losing a request."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.comparison.toy_results import make_result
from textrep.cli.app import app
from textrep.comparison import save_model

pytest.importorskip("uvicorn")

PROGRAM = "import sys; from textrep.cli import main; sys.argv[0] = 'textrep'; main()"
# For a machine that is busy with other tests.
SECONDS = 300


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(make_result(), tmp_path_factory.mktemp("models") / "model")


@contextlib.contextmanager
def served(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that is ready, and its port; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", *map(str, arguments), "--port", "0"],
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert process.stderr is not None
    try:
        # Before it there may be a line about kernels that are compiled.
        lines: list[str] = []
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+) ", lines[-1] if lines else "")):
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        yield process, int(found.group(1))
    finally:
        process.kill()
        process.communicate()


def post(port: int, body: dict) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", "/predict", json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until(condition) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_request_in_flight_is_answered_before_the_server_stops(model):
    with served(model) as (process, port):
        assert post(port, {"text": "free prize"})["labels"] == ["spam"]
        body = json.dumps({"text": "see you at home"}).encode()
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(head.encode() + body[:5])
            # Only once it is told of a request, the server has one in flight.
            wait_until(lambda: "in_flight 2\n" in metrics(port))
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_refused(port))
            connection.sendall(body[5:])
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"labels":["ham"]' in answer
        assert process.wait(SECONDS) == 0


def metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
def test_workers_count_together_are_replaced_and_end_with_the_server(model):
    with served(model, "--workers", 2) as (process, port):
        for _ in range(8):
            assert post(port, {"text": "free prize"})["labels"] == ["spam"]
        # A worker counts a request when its answer is under way.
        wait_until(lambda: requests_answered(port) == 8)

        # One that is killed under load loses what it is at work on, and its counts are kept.
        answered, lost = [], []

        def ask():
            for number in range(60):
                try:
                    answered.append(post(port, {"text": "free prize"})["labels"])
                except (OSError, http.client.HTTPException):
                    lost.append(number)

        killed = workers(process.pid)[0]
        with ThreadPoolExecutor(2) as clients:
            done = [clients.submit(ask) for _ in range(2)]
            wait_until(lambda: len(answered) > 20)
            os.kill(killed, signal.SIGKILL)
            for each in done:
                each.result()
        assert len(lost) <= 2
        assert answered == [["spam"]] * (120 - len(lost))
        wait_until(lambda: len(set(workers(process.pid)) - {killed}) == 2)
        wait_until(lambda: 8 + len(answered) <= requests_answered(port) <= 128)

        # Killed, the server can tell its workers nothing.
        process.kill()
        process.wait()
        wait_until(lambda: is_refused(port))


def requests_answered(port: int) -> int:
    found = re.search(r'requests_total\{path="/predict",status="200"\} (\d+)', metrics(port))
    return int(found[1]) if found else 0


def workers(process: int) -> list[int]:
    """Processes that a server has started to answer."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "none: cannot be read: No such file or directory"),
        (".", "not the folder of a saved model"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(tmp_path, name, message):
    answer = CliRunner().invoke(app, ["serve", str(tmp_path / name), "--port", "0"])
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = CliRunner().invoke(app, ["serve", str(tmp_path), "--port", str(port)])
    assert answer.exit_code == 2
    expected = f"textrep: 127.0.0.1, port {port}: Address already in use; give another host or port"
    assert answer.stderr.splitlines() == [expected]


def test_an_address_of_nobody_is_one_line(tmp_path):
    answer = CliRunner().invoke(app, ["serve", str(tmp_path), "--host", "no.such.invalid"])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("textrep: no.such.invalid, port 8000: ")


def test_missing_packages_are_named_with_their_extra(tmp_path, monkeypatch):
    from textrep.serving import app as serving

    monkeypatch.setattr(serving.importlib.util, "find_spec", lambda name: None)
    answer = CliRunner().invoke(app, ["serve", str(tmp_path)])
    assert answer.exit_code == 2
    assert answer.stderr == (
        "textrep: serving needs fastapi and uvicorn: pip install 'textrep[serve]'\n"
    )
