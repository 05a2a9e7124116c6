"""Encrypted connections, direct and through a proxy."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from tests.comparison.llm.conftest import TEXTS
from tests.comparison.llm.server import Plan, serving
from textrep.comparison.llm import LLMClassifier, LLMError
from textrep.comparison.llm.proxy import find_proxy
from textrep.data.fetching.faults import Refused

KEY = "sk-very-secret"
HOST = "model.example.org"

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes certificates")


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOME_KEY", KEY)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for `HOST` and 127.0.0.1, signed by nobody but itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = f"subjectAltName=DNS:{HOST},IP:127.0.0.1"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(
        [*command.split(), "-subj", "/CN=test", "-addext", names, *files],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


@pytest.fixture
def secure(certificate):
    """A model behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with serving(tls=context) as model:
        yield model


def ask(base_url, **settings):
    classifier = LLMClassifier(
        base_url=base_url, model="tiny", cache=False, api_key_variable="SOME_KEY", **settings
    )
    return classifier.fit(TEXTS, ["a", "b"]).predict(TEXTS).tolist()


@needs_openssl
def test_an_encrypted_endpoint_answers(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(secure.url) == ["a", "b"]
    assert secure.headers[0]["Authorization"] == f"Bearer {KEY}"


@needs_openssl
def test_a_certificate_that_nobody_trusts_ends_it_before_the_key_is_sent(secure):
    with pytest.raises(LLMError, match="certificate is not valid: self-signed"):
        ask(secure.url)
    assert secure.headers == []


@needs_openssl
def test_a_certificate_of_another_host_ends_it(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(LLMError, match="certificate is not valid: Hostname mismatch"):
        ask(secure.url.replace("127.0.0.1", "localhost"))
    assert secure.headers == []


@needs_openssl
def test_the_time_limit_reaches_an_encrypted_connection(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure.usual = Plan(stall=30)
    with pytest.raises(LLMError, match=r"no whole answer came within 0\.3 seconds"):
        ask(secure.url, timeout=0.3, max_retries=0)


@contextlib.contextmanager
def proxying(target_port, answer=b"HTTP/1.1 200 Connected\r\n\r\n"):
    """A proxy that leads every tunnel to one port; gives its address and what it saw."""
    seen = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                seen.append(piece)
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def tunnel(client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1 << 16)
        seen.append(head)
        client.sendall(answer)
        if b" 200 " in answer:
            server = socket.create_connection(("127.0.0.1", target_port))
            threading.Thread(target=pump, args=(server, client), daemon=True).start()
            pump(client, server)
        else:
            client.close()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=tunnel, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.close()


@needs_openssl
def test_a_proxy_opens_the_tunnel_and_sees_neither_key_nor_texts(secure, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    port = int(secure.url.rpartition(":")[2].partition("/")[0])
    with proxying(port) as (proxy, seen):
        monkeypatch.setenv("https_proxy", f"http://me:open%20sesame@{proxy}")
        assert ask(f"https://{HOST}/v1") == ["a", "b"]
    assert seen[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert b"Proxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=" in seen[0]
    assert all(KEY.encode() not in piece and b"document" not in piece for piece in seen)
    assert "Proxy-Authorization" not in secure.headers[0]


def test_a_proxy_that_refuses_is_an_error(monkeypatch):
    with proxying(0, answer=b"HTTP/1.1 403 No\r\n\r\n") as (proxy, seen):
        monkeypatch.setenv("https_proxy", proxy)
        with pytest.raises(LLMError, match="Tunnel connection failed: 403"):
            ask(f"https://{HOST}/v1", max_retries=0)
    assert all(KEY.encode() not in piece for piece in seen)


@pytest.mark.parametrize("named", ["http://", "http://me:secret@:80", "http://proxy:port"])
def test_a_proxy_without_an_address_is_refused_and_its_password_not_shown(monkeypatch, named):
    monkeypatch.setenv("https_proxy", named)
    with pytest.raises(Refused, match="proxy makes no sense") as caught:
        find_proxy(HOST)
    assert "secret" not in str(caught.value)
