"""`textrep serve` beside a hand-written service of FastAPI and scikit-learn: requests a second.

    python benchmarks/serving.py --data DIR [--quick] [--json FILE]

Both serve TF-IDF and a linear SVM, learnt with the same settings from the training part of sst2:
ours is saved by `textrep compare`, the peer is `serving_peer.py`, with a ``def`` endpoint as
FastAPI's documentation advises and with an ``async def`` one. All servers stand on the same
uvicorn, one process each; the client, `serving_load.py`, is another process. Where there are two
cores, the servers share one and the client has the other.

First all of them must give the same labels for every text. Then a case is a number of connections
and a kind of request: one sentence (sst2), one review (imdb), 64 sentences. Cases are measured in
rounds, in each of which the servers take turns; a row is the median of the rounds. A request that
is not answered with status 200 ends the benchmark. The processor time of a server, divided by its
requests, hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
from harness import LINEAR_RUNG, Row, machine_name, parse_options, report
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from textrep import load_corpus
from textrep.comparison import choose_rungs

HERE = Path(__file__).resolve().parent
TEXTREP = [sys.executable, "-m", "textrep"]
# -P: the files beside a script must not stand before the packages of their names.
SCRIPT = [sys.executable, "-P"]
OURS = "textrep serve"
PEERS = {"FastAPI + scikit-learn": [], "the same, async def": ["--on-the-loop"]}
CONNECTIONS = (1, 8, 32)
ROUNDS = {False: 5, True: 1}
# Requests of a measurement, by kind: a second or more of each.
REQUESTS = {"sentence": 4000, "review": 2000, "64 sentences": 600}
QUICK_SHARE = 10
N_TEXTS = 256
BATCH = 64
START_SECONDS = 900
# Of /proc/PID/stat, counted after the name of the program: user and system time (proc(5)).
_TIMES = slice(11, 13)

Figures = dict[str, float]


class Server(NamedTuple):
    """Where a server listens, and its process."""

    port: int
    process: int


def train(folder: Path) -> tuple[Path, Path]:
    """Our saved model and the peer's pipeline, of the same settings and texts."""
    ours = folder / "model"
    options = ["--methods", LINEAR_RUNG, "--fresh", "--no-label-check", "--quiet"]
    command = [*TEXTREP, "compare", "sst2", *options, "--save", str(ours)]
    subprocess.run(command, check=True)
    vectorizer, classifier = (step for _, step in choose_rungs([LINEAR_RUNG])[0].factory(0).steps)
    settings = {"sublinear_tf": vectorizer.sublinear_tf, "ngram_range": vectorizer.ngram_range}
    training = load_corpus("sst2").part("train")
    pipeline = make_pipeline(TfidfVectorizer(**settings), classifier)
    pipeline.fit(list(training.texts), list(training.labels))
    joblib.dump(pipeline, folder / "pipeline.joblib")
    return ours, folder / "pipeline.joblib"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], port: int) -> Iterator[Server]:
    """A server that listens; it is stopped at the end."""
    with subprocess.Popen(command) as process:
        pin(process.pid, 0)
        try:
            end = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                if process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"{' '.join(command)} did not start")
                time.sleep(0.1)
            yield Server(port, process.pid)
        finally:
            process.terminate()


def pin(process: int, core: int) -> None:
    """Keep a process to one of the cores, where there are two."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(process, {cores[core]})


def ask(port: int, texts: list[str]) -> list[Any]:
    """Labels that a server gives."""
    body = json.dumps({"texts": texts}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, headers)
    with urllib.request.urlopen(request) as answer:
        labels: list[Any] = json.load(answer)["labels"]
    return labels


def check_same(ports: dict[str, int], texts: list[str]) -> None:
    """Stop the benchmark where two servers answer differently."""
    expected = ask(ports[OURS], texts)
    for name, port in ports.items():
        if (found := ask(port, texts)) != expected:
            differing = sum(a != b for a, b in zip(found, expected, strict=True))
            sys.exit(f"{name} gives another label for {differing} of {len(texts)} texts")


def bodies() -> dict[str, list[str]]:
    """Requests by kind."""
    sentences = list(load_corpus("sst2").part("test").texts)[: N_TEXTS * 4]
    reviews = list(load_corpus("imdb").part("test").texts)[:N_TEXTS]
    batches = [sentences[start : start + BATCH] for start in range(0, len(sentences), BATCH)]
    asked = {
        "sentence": [[text] for text in sentences[:N_TEXTS]],
        "review": [[text] for text in reviews],
        "64 sentences": batches,
    }
    return {kind: [json.dumps({"texts": texts}) for texts in each] for kind, each in asked.items()}


def cpu_seconds(process: int) -> float:
    """Processor time that a process has taken so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[_TIMES])) / os.sysconf("SC_CLK_TCK")


def load(server: Server, connections: int, requests: int, file: Path) -> Figures:
    """Figures of one measurement."""
    port, before = server.port, cpu_seconds(server.process)
    command = [
        *SCRIPT,
        str(HERE / "serving_load.py"),
        *map(str, (port, connections, requests, file)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        pin(process.pid, 1)
        output, _ = process.communicate()
    figures: Figures = json.loads(output)
    if figures["errors"]:
        sys.exit(f"port {port}: {figures['errors']:.0f} requests were not answered")
    spent = cpu_seconds(server.process) - before
    return figures | {"cpu": 1e3 * spent / figures["sent"]}


def measure(
    servers: dict[str, Server], kind: str, connections: int, file: Path, quick: bool
) -> dict[str, Figures]:
    """Median figures of each server in one case."""
    requests = REQUESTS[kind] // (QUICK_SHARE if quick else 1)
    found: dict[str, list[Figures]] = {name: [] for name in servers}
    for _ in range(ROUNDS[quick]):
        for name, server in servers.items():
            found[name].append(load(server, connections, requests, file))
    return {
        name: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        for name, rounds in found.items()
    }


def rows_of(kind: str, connections: int, found: dict[str, Figures]) -> Iterator[Row]:
    """Rows of one case: throughput, and the times of requests."""
    case = f"{kind}, {connections} connection{'s' * (connections > 1)}"
    ours, machine = found[OURS], machine_name()
    for peer in PEERS:
        theirs = found[peer]
        for key, metric, unit in (
            ("requests_per_second", "throughput", "requests/s"),
            ("p50", "median time", "ms"),
            ("p99", "p99 time", "ms"),
            ("cpu", "processor time", "ms/request"),
        ):
            ratio = ours[key] / theirs[key] if unit == "requests/s" else theirs[key] / ours[key]
            yield Row(case, metric, ours[key], peer, theirs[key], ratio, unit, 1, machine)


def run(quick: bool, chosen: list[int], path: Path | None) -> None:
    """Train, start the servers, measure, report."""
    asked = bodies()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model, pipeline = train(folder)
        ports = {name: free_port() for name in (OURS, *PEERS)}
        commands = {OURS: [*TEXTREP, "serve", str(model), "--port", str(ports[OURS])]}
        for name, options in PEERS.items():
            peer = [*SCRIPT, str(HERE / "serving_peer.py"), str(pipeline), str(ports[name])]
            commands[name] = [*peer, *options]
        servers = {
            name: stack.enter_context(started(command, ports[name]))
            for name, command in commands.items()
        }
        for each in asked.values():
            for body in each:
                check_same(ports, json.loads(body)["texts"])
        rows: list[Row] = []
        for kind, each in asked.items():
            file = folder / f"{kind}.json"
            file.write_text(json.dumps(each))
            for connections in chosen:
                found = measure(servers, kind, connections, file, quick)
                rows += rows_of(kind, connections, found)
        report("textrep serve beside a hand-written service", rows, path)


def main() -> None:
    """Run everything and report."""
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--connections", help="numbers of connections, with commas between")
    options = parse_options(__doc__ or "", [extra])
    chosen = list(CONNECTIONS)
    if options.connections:
        chosen = [int(number) for number in options.connections.split(",")]
    run(options.quick, chosen, options.json)


if __name__ == "__main__":
    main()
