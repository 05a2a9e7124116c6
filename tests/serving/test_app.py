"""The addresses of a server, asked without a network."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.comparison.toy_results import make_result
from tests.serving.stand_ins import Lengths
from textrep.comparison import save_model

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")

from textrep.serving import ServingError, create_app  # noqa: E402


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_model(make_result(columns=True), tmp_path_factory.mktemp("models") / "model")


def ask(app, method: str, path: str, **options):
    """One request; an error of the application becomes an answer, as it does behind a server."""

    async def run():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


def detail(answer) -> str:
    assert set(answer.json()) == {"detail"}
    assert "Traceback" not in answer.text
    return answer.json()["detail"]


def test_predictions_come_as_labels_and_probabilities():
    app = create_app(Lengths())
    answer = ask(app, "POST", "/predict", json={"texts": ["longer", "a"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "labels": ["long", "short"],
        "probabilities": [{"long": 0.9, "short": 0.1}, {"long": 0.2, "short": 0.8}],
    }
    alone = ask(app, "POST", "/predict", json={"text": "a", "top": 1})
    assert alone.json() == {"labels": ["short"], "probabilities": [{"short": 0.8}]}


def test_labels_may_be_of_any_type_and_script():
    for classes in ([1, 2], [True, False], ["lang\u00e9", "kurz \u4e2d\u6587"]):
        answer = ask(create_app(Lengths(classes)), "POST", "/predict", json={"text": "longer"})
        assert answer.json()["labels"] == classes[:1]


def test_words_explain_a_prediction(saved):
    app = create_app(saved)
    body = {"texts": ["free prize"], "columns": {"price": [9], "kind": ["ad"]}, "words": 1}
    answer = ask(app, "POST", "/explain", json=body)
    assert answer.json()["labels"] == ["spam"]
    assert [word for word, _ in answer.json()["words"][0]] == ["free"]


def test_what_a_model_cannot_do_is_said_as_such(saved):
    answer = ask(create_app(saved), "POST", "/transform", json={"text": "a"})
    assert answer.status_code == 501
    assert detail(answer) == "the model is a classifier, which gives no vectors"


def test_a_column_that_is_no_number_is_named_with_its_row(saved):
    columns = {"price": [1] * 70 + ["cheap"], "kind": ["ad"] * 71}
    body = {"texts": ["free prize"] * 71, "columns": columns}
    answer = ask(create_app(saved, batch=2), "POST", "/predict", json=body)
    assert answer.status_code == 422
    assert "'price': row 71 is 'cheap', which is no number" in detail(answer)


def test_health_names_the_model_and_its_checksum(saved):
    found = ask(create_app(saved), "GET", "/health").json()
    assert found["live"] is True
    assert found["ready"] is True
    assert found["model"] == "bow-logreg"
    assert found["checksum"].startswith("sha256:")
    assert found["columns"] == ["price", "kind"]


def test_health_answers_while_the_model_works():
    model = Lengths()
    app = create_app(model)
    model.has_begun.clear()

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            model.may_go_on.clear()
            working = asyncio.create_task(client.post("/predict", json={"text": "longer"}))
            while not model.has_begun.is_set():
                await asyncio.sleep(0.001)
            health = await client.get("/health")
            assert not working.done()
            model.may_go_on.set()
            return health.json()["ready"], (await working).json()["labels"]

    assert asyncio.run(run()) == (True, ["long"])


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"text": "\\ud800"}', 422, "half a surrogate pair"),
        (b'{"text": ', 400, "not JSON"),
        (b'{"texts": []}', 422, "texts is empty"),
        (b'{"texts": ["a", null]}', 422, "texts[1] is null"),
        (json.dumps({"texts": ["a"] * 4}).encode(), 413, "the limit is 3"),
        (json.dumps({"text": "a" * 101}).encode(), 413, "the limit is 100"),
        (b" " * 2000, 413, "more than 1,000 bytes"),
        (b'{"text": "a", "top": 0}', 422, "top is 0"),
    ],
)
def test_a_request_that_cannot_be_answered_is_told_why(body, status, message):
    app = create_app(Lengths(), max_texts=3, max_characters=100, max_bytes=1000)
    answer = ask(app, "POST", "/predict", content=body)
    assert answer.status_code == status
    assert message in detail(answer)


def test_a_body_without_a_length_is_cut_off_at_the_limit():
    async def endless():
        while True:
            yield b" " * 400

    answer = ask(create_app(Lengths(), max_bytes=1000), "POST", "/predict", content=endless())
    assert answer.status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for():
    async def stuck():
        yield b'{"text": '
        await asyncio.Event().wait()

    answer = ask(create_app(Lengths(), max_wait=0.05), "POST", "/predict", content=stuck())
    assert answer.status_code == 408
    assert "did not come within 0.05 seconds" in detail(answer)


def test_texts_to_explain_are_few():
    answer = ask(create_app(Lengths()), "POST", "/explain", json={"texts": ["a"] * 17})
    assert answer.status_code == 413
    answer = ask(create_app(Lengths()), "POST", "/explain", json={"text": "a", "words": 101})
    assert answer.status_code == 422


def test_a_failure_of_the_model_keeps_its_secrets():
    answer = ask(create_app(Lengths()), "POST", "/predict", json={"text": "poison"})
    assert answer.status_code == 500
    assert detail(answer) == "the model failed on this request; the server's log says how"


def test_paths_and_methods_that_are_not_there_name_those_that_are():
    app = create_app(Lengths())
    answer = ask(app, "GET", "/predictions")
    assert answer.status_code == 404
    assert "/predict" in detail(answer)
    answer = ask(app, "GET", "/predict")
    assert answer.status_code == 405
    assert detail(answer) == "GET is not answered here; send POST"


def test_every_request_is_counted():
    app = create_app(Lengths())
    ask(app, "POST", "/predict", json={"texts": ["a", "b"]})
    ask(app, "POST", "/predict", content=b"")
    ask(app, "POST", "/predict", json={"text": "poison"})
    answer = ask(app, "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    for status, count in (("200", 1), ("400", 1), ("500", 1)):
        assert f'textrep_requests_total{{path="/predict",status="{status}"}} {count}' in lines
    assert 'textrep_texts_total{path="/predict"} 3' in lines
    assert "textrep_batch_texts_sum 3" in lines
    assert "textrep_requests_in_flight 1" in lines


def test_the_addresses_are_described():
    described = ask(create_app(Lengths()), "GET", "/openapi.json").json()
    assert {"/predict", "/explain", "/transform", "/health", "/metrics"} <= set(described["paths"])
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["schema"]["properties"]) == {"text", "texts", "top"}
    assert ask(create_app(Lengths()), "GET", "/docs").status_code == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"max_waiting": 1.5}, "max_waiting is 1.5"),
        ({"max_wait": 0}, "max_wait is 0"),
        ({"max_wait": float("nan")}, "max_wait is nan"),
        ({"max_wait": "soon"}, "max_wait is 'soon'"),
    ],
)
def test_settings_out_of_their_range_are_refused(options, message):
    with pytest.raises(ServingError, match=message):
        create_app(Lengths(), **options)
