"""The key goes to the endpoint and nowhere else."""

from __future__ import annotations

import json
import pickle
import traceback
import zipfile

import pytest

import textrep
from tests.comparison.llm.conftest import TEXTS
from tests.comparison.llm.server import Plan
from textrep.comparison.llm import LLMError
from textrep.comparison.llm.address import chat_address, read_key

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_the_key_is_sent_as_a_bearer_token(make, model):
    make(api_key_variable="SOME_KEY").predict(TEXTS[:1])
    assert model.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("variable", [None, "OPENAI_API_KEY"])
def test_an_endpoint_on_this_machine_may_do_without(make, model, variable):
    make(api_key_variable=variable).predict(TEXTS[:1])
    assert "Authorization" not in model.headers[0]


def test_an_endpoint_elsewhere_asks_for_the_variable(make):
    address = chat_address("https://api.example.org/v1")
    with pytest.raises(LLMError, match="NO_SUCH_KEY, which api_key_variable names, is not set"):
        read_key(address, "NO_SUCH_KEY")


def test_plain_http_is_for_this_machine_or_without_a_key(make):
    for host in ("localhost", "127.0.0.1", "127.9.9.9", "[::1]", "model.localhost"):
        make(base_url=f"http://{host}/v1", api_key_variable="SOME_KEY")
    make(base_url="http://10.0.0.7/v1", api_key_variable=None)
    for host in ("10.0.0.7", "example.org", "localhost.example.org", "[::2]"):
        with pytest.raises(ValueError, match="plain http"):
            make(base_url=f"http://{host}/v1", api_key_variable="SOME_KEY")


@pytest.mark.parametrize("value", [f"{KEY}\r\nX-Evil: 1", f"{KEY} x", f"{KEY}\u00fc", f"{KEY}\x7f"])
def test_what_can_be_no_key_is_refused_and_not_shown(make, model, monkeypatch, value):
    monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(LLMError, match="SOME_KEY holds") as caught:
        make(api_key_variable="SOME_KEY").predict(TEXTS)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert model.requests == []


def test_a_key_with_a_line_end_from_a_file_is_trimmed(make, model, monkeypatch):
    monkeypatch.setenv("SOME_KEY", f"{KEY}\n")
    make(api_key_variable="SOME_KEY").predict(TEXTS[:1])
    assert model.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_key_that_the_server_repeats_is_cut_out(make, model):
    body = json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode()
    for plan in (Plan(status=401, body=body), Plan(status=500, body=KEY.encode())):
        model.usual = plan
        with pytest.raises(LLMError, match=r"\[key\]") as caught:
            make(api_key_variable="SOME_KEY", max_retries=0).predict(TEXTS)
        assert KEY not in "".join(traceback.format_exception(caught.value))


def test_the_key_is_in_no_copy_of_the_classifier(make, model, tmp_path):
    model.usual = Plan(f"a, says {KEY}")
    classifier = make(api_key_variable="SOME_KEY")
    classifier.predict(TEXTS)
    path = classifier.save(tmp_path / "model.textrep")
    with zipfile.ZipFile(path) as archive:
        saved = b"".join(archive.read(name) for name in archive.namelist())
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert b"SOME_KEY" in saved
    assert KEY.encode() not in saved + kept + pickle.dumps(classifier)
    assert KEY not in repr(classifier) + repr(vars(classifier))
    assert textrep.load(path).predict(TEXTS).tolist() == classifier.predict(TEXTS).tolist()


def test_a_file_alone_cannot_have_texts_and_keys_sent_away(make, tmp_path, monkeypatch):
    monkeypatch.delenv("TEXTREP_LLM_HOSTS", raising=False)
    elsewhere = make(base_url="https://evil.invalid/v1", api_key_variable="SOME_KEY", max_retries=0)
    loaded = textrep.load(elsewhere.save(tmp_path / "model.textrep"))
    for model in (loaded, pickle.loads(pickle.dumps(loaded)), loaded.fit(TEXTS, ["a", "b"])):
        with pytest.raises(LLMError, match=r"variable SOME_KEY, to evil\.invalid; if"):
            model.predict(TEXTS)
    monkeypatch.setenv("TEXTREP_LLM_HOSTS", "example.org, evil.invalid")
    monkeypatch.setenv("SOME_KEY", "")
    # It comes as far as the key.
    with pytest.raises(LLMError, match="is not set"):
        loaded.predict(TEXTS)


def test_a_file_of_ones_own_may_ask_a_model_on_this_machine(make, tmp_path):
    loaded = textrep.load(make().save(tmp_path / "model.textrep"))
    assert loaded.predict(TEXTS).tolist() == ["a", "b"]
