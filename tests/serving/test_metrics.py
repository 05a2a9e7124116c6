"""What is counted, and the text that Prometheus reads."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest

from textrep.serving.metrics import BATCHES, PATHS, SECONDS, Metrics

# The grammar of the text format: https://prometheus.io/docs/instrumenting/exposition_formats/
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (\S+)")
_ESCAPES = {r"\\": "\\", r"\n": "\n", r"\"": '"'}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> tuple[dict[str, str], Samples]:
    """Kinds of metrics by name, and values by name and labels."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    samples: Samples = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = _SAMPLE.fullmatch(line)
            assert match, line
            labels = frozenset(
                (name, re.sub(r"\\[\\n\"]", lambda m: _ESCAPES[m.group()], value))
                for name, value in re.findall(_LABEL, match.group(2) or "")
            )
            assert (match.group(1), labels) not in samples
            samples[match.group(1), labels] = float(match.groups()[-1])
    return kinds, samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def counted() -> Metrics:
    metrics = Metrics()
    for seconds in (0.0005, 0.004, 0.0025, 99.0):
        metrics.begin()
        metrics.end("/predict", 200, seconds)
    metrics.begin()
    metrics.end("/admin", 404, 0.01)
    metrics.begin()
    metrics.count_texts("/predict", 70)
    metrics.count_batch(64)
    metrics.count_batch(6)
    metrics.count_batch(5000)
    return metrics


def test_requests_are_counted_by_path_and_status():
    kinds, samples = parsed(counted().exposition({}))
    assert kinds["textrep_requests_total"] == "counter"
    assert value(samples, "textrep_requests_total", path="/predict", status="200") == 4
    # Whoever tries paths at random does not make as many counters.
    assert value(samples, "textrep_requests_total", path="other", status="404") == 1
    assert value(samples, "textrep_requests_in_flight") == 1
    assert value(samples, "textrep_texts_total", path="/predict") == 70


@pytest.mark.parametrize(
    ("name", "labels", "bounds", "seen"),
    [
        ("textrep_request_seconds", {"path": "/predict"}, SECONDS, [0.0005, 0.0025, 0.004, 99.0]),
        ("textrep_batch_texts", {}, BATCHES, [6, 64, 5000]),
    ],
)
def test_a_histogram_counts_what_is_at_most_each_bound(name, labels, bounds, seen):
    kinds, samples = parsed(counted().exposition({}))
    assert kinds[name] == "histogram"
    for bound in (*bounds, math.inf):
        le = "+Inf" if bound == math.inf else str(bound if bound % 1 else int(bound))
        expected = sum(each <= bound for each in seen)
        assert value(samples, f"{name}_bucket", le=le, **labels) == expected
    assert value(samples, f"{name}_count", **labels) == len(seen)
    assert value(samples, f"{name}_sum", **labels) == pytest.approx(sum(seen))


def test_labels_survive_whatever_they_hold():
    name = 'a "b"\\n\nc é'
    _, samples = parsed(Metrics().exposition({"model": name, "checksum": "x"}))
    assert value(samples, "textrep_model_info", model=name, checksum="x") == 1
    Metrics().exposition({"model": "half \ud800"}).encode()


def test_the_reader_of_prometheus_agrees():
    parser = pytest.importorskip("prometheus_client.parser")
    text = counted().exposition({"model": 'a "b"\\\n'})
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found == parsed(text)[1]


def test_workers_that_share_a_folder_count_as_one(tmp_path):
    program = (
        "import sys; from pathlib import Path; from textrep.serving.metrics import Metrics\n"
        "metrics = Metrics(Path(sys.argv[1])); metrics.begin(); metrics.begin()\n"
        "metrics.end('/predict', 200, 0.25)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    metrics = Metrics(tmp_path)
    metrics.begin()
    metrics.begin()
    metrics.end("/predict", 200, 0.5)
    _, samples = parsed(metrics.exposition({}))
    assert value(samples, "textrep_requests_total", path="/predict", status="200") == 2
    assert value(samples, "textrep_request_seconds_sum", path="/predict") == pytest.approx(0.75)
    # The worker that is gone answers nothing any more.
    assert value(samples, "textrep_requests_in_flight") == 1
    # One that has not written its numbers yet is passed over.
    (tmp_path / "1.counts").write_bytes(b"")
    assert parsed(metrics.exposition({}))[1] == samples


def test_every_path_has_its_times():
    _, samples = parsed(Metrics().exposition({}))
    for path in PATHS:
        assert value(samples, "textrep_request_seconds_count", path=path) == 0
