"""What the processes of a server tell each other."""

from __future__ import annotations

import dataclasses
import json
import os
import socket

import pytest

from tests.comparison.toy_results import LABELS, make_result
from textrep.comparison import save_model
from textrep.serving import ServerOptions, ServingError

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from textrep.core.files import checksum_of
from textrep.serving import running


@pytest.fixture
def model(tmp_path):
    return save_model(make_result(), tmp_path / "model")


def told(model, counts, **options) -> str:
    return json.dumps(
        {
            "model": os.fspath(model),
            "checksum": f"sha256:{checksum_of(model / 'model.textrep')}",
            "counts": os.fspath(counts),
            "options": dataclasses.asdict(ServerOptions(**options)),
        }
    )


def test_a_worker_serves_the_model_it_is_told_to(model, tmp_path, monkeypatch):
    monkeypatch.setenv("TEXTREP_SERVER", told(model, tmp_path))
    assert running.app_of_worker().title == "textrep: bow-logreg"
    assert [path.suffix for path in tmp_path.glob(f"{os.getpid()}*")] == [".counts"]


def test_a_worker_does_not_serve_another_model_than_the_others(
    model, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("TEXTREP_SERVER", told(model, tmp_path))
    other = save_model(make_result([label == "spam" for label in LABELS]), model)
    assert other == model
    with pytest.raises(SystemExit) as caught:
        running.app_of_worker()
    assert caught.value.code == 3
    assert "was replaced while the server ran" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 65_536}, "port is 65536"),
        ({"port": -1}, "port is -1"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_options_out_of_their_range_are_refused(options, message):
    with pytest.raises(ServingError, match=message):
        ServerOptions(**options)


def test_an_address_that_is_listened_at_is_refused_before_the_model_is_read(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        options = ServerOptions(port=other.getsockname()[1])
        with pytest.raises(ServingError, match="in use; give another host or port"):
            running.run_server(tmp_path / "none", options)
