"""What `LLMClassifier` sends, and what it makes of the answers."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
import warnings

import numpy as np
import pytest

from tests.comparison.llm.conftest import TEXTS
from tests.comparison.llm.server import COMPLETION_TOKENS, PROMPT_TOKENS, Plan, document, serving
from textrep.comparison.llm import LLMClassifier, LLMError
from textrep.core.container import PersistError


def test_each_text_gets_the_label_that_the_model_says(make, model):
    texts = [*TEXTS, "another text of more than thirty characters"]
    assert make().predict(texts).tolist() == ["a", "b", "a"]
    assert sorted(model.documents) == sorted(texts)


def test_fitting_asks_nothing(make, model):
    make(examples_per_class=1)
    assert model.requests == []


def test_a_request_is_an_openai_chat_completion(make, model):
    make(temperature=0.5, max_tokens=9, options={"seed": 7}).predict(["what?"])
    (request,) = model.requests
    roles = [message["role"] for message in request.pop("messages")]
    assert roles == ["system", "user"]
    assert request == {"model": "tiny", "temperature": 0.5, "max_tokens": 9, "seed": 7}
    assert model.headers[0]["Content-Type"] == "application/json"


def test_what_is_none_is_left_out_of_the_request(make, model):
    make(temperature=None, max_tokens=None).predict(["what?"])
    assert set(model.requests[0]) == {"model", "messages"}


def test_numbers_of_numpy_are_numbers(make, model):
    make(temperature=np.float32(0.5), max_tokens=np.int64(9), n_jobs=np.int64(1)).predict(["what?"])
    assert (model.requests[0]["temperature"], model.requests[0]["max_tokens"]) == (0.5, 9)


def test_the_prompt_names_the_classes_and_keeps_other_braces(make, model):
    make(prompt='{labels}\nAnswer {"label": ...}').predict(["what?"])
    assert model.requests[0]["messages"][0]["content"] == '- a\n- b\nAnswer {"label": ...}'


def test_examples_come_from_every_class_in_the_same_order_for_the_same_seed(make, model):
    texts, labels = [f"text {i}" for i in range(20)], ["a", "b"] * 10
    for _ in range(2):
        classifier = make(texts, labels, examples_per_class=3, random_state=5, cache=False)
        classifier.predict(["what?"])
    first, second = model.requests
    assert first == second
    shown = [message["content"] for message in first["messages"][1:-1]]
    texts_shown = [re.sub(r"</?document>|\n", "", text) for text in shown[::2]]
    assert sorted(shown[1::2]) == ["a"] * 3 + ["b"] * 3
    assert [labels[texts.index(text)] for text in texts_shown] == shown[1::2]
    assert len(set(texts_shown)) == 6


def test_a_text_is_cut_and_cannot_close_its_delimiter(make, model):
    make(max_characters=25).predict(["</document> < / Document> and more"])
    assert model.documents == ["&lt;/document> &lt; / Document>"]


def test_lone_surrogates_reach_the_model_as_replacement_characters(make, model):
    assert make().predict(["a\ud83d", "\udc00b", "\U0001f600"]).tolist() == ["b", "b", "b"]
    assert sorted(model.documents) == ["a\ufffd", "\ufffdb", "\U0001f600"]


@pytest.mark.parametrize("labels", [[3, -1], [True, False], [1.0, 0.0], np.array([1, 0], "u1")])
def test_labels_come_back_in_their_own_type(labels, tmp_path):
    name = {text: str(label) for text, label in zip(TEXTS, labels, strict=True)}
    with serving(name.__getitem__) as model:
        classifier = LLMClassifier(base_url=model.url, model="tiny", cache=False)
        predicted = classifier.fit(TEXTS, labels).predict(TEXTS)
    assert predicted.tolist() == list(labels)
    assert predicted.dtype == np.asarray(labels).dtype


def test_an_answer_without_a_label_gives_the_most_frequent_class_and_is_counted(make, model):
    classifier = make(["x", "y", "z"], ["a", "b", "b"], n_jobs=1)
    model.plans = [Plan("No idea."), Plan(""), Plan("a")]
    with pytest.warns(UserWarning, match=r"2 of 3 texts .* 'b'; .* 'No idea\.'"):
        assert classifier.predict(["1", "2", "3"]).tolist() == ["b", "b", "a"]
    assert classifier.n_unanswered_ == 2


@pytest.mark.parametrize(
    "plan",
    [
        Plan(None, choice={"finish_reason": "content_filter"}),
        Plan(choice={"message": {"content": None, "refusal": "I cannot."}}),
    ],
    ids=["filtered", "refused"],
)
def test_a_text_that_the_model_refuses_is_an_unanswered_one(make, model, plan):
    model.plans = [plan]
    classifier = make()
    with pytest.warns(UserWarning, match="1 of 1 texts"):
        classifier.predict(["unspeakable"])
    assert classifier.n_unanswered_ == 1


def test_an_answer_in_parts_is_put_together(make, model):
    model.plans = [Plan([{"type": "text", "text": "a"}, {"type": "text", "text": "."}])]
    assert make().predict(["short"]).tolist() == ["a"]


def test_equal_texts_are_asked_about_once_where_answers_are_kept(make, model):
    texts = ["one", "two", "one", "one"]
    kept, anew = make(), make(cache=False)
    kept.predict(texts)
    assert sorted(model.documents) == ["one", "two"]
    model.requests.clear()
    anew.predict(texts)
    assert sorted(model.documents) == sorted(texts)
    assert kept.cost_uncached_ == anew.cost_uncached_
    assert kept.waits_.shape == anew.waits_.shape == (4,)


def test_requests_are_sent_in_parallel_up_to_n_jobs(make, model):
    model.usual = Plan(stall=0.02)
    make(n_jobs=3).predict([f"text {i}" for i in range(12)])
    assert model.most_at_a_time == 3


def test_tokens_and_waits_are_those_that_the_server_reports(make, model):
    model.usual = Plan(stall=0.05)
    classifier = make()
    classifier.predict(TEXTS)
    assert classifier.prompt_tokens_ == 2 * PROMPT_TOKENS
    assert classifier.completion_tokens_ == 2 * COMPLETION_TOKENS
    assert not classifier.cost_is_estimated_
    assert (classifier.waits_ >= 0.05).all()


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_breaks_off_what_is_under_way_and_keeps_what_came(make, model):
    model.plans = [Plan()]
    model.usual = Plan(stall=60)
    classifier = make(n_jobs=2, timeout=30, max_retries=0)
    main = threading.main_thread().ident

    def interrupt():
        while model.under_way < 2 or len(model.requests) < 3:
            time.sleep(0.005)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        classifier.predict([f"text {i}" for i in range(9)])
    thread.join()
    asked = len(model.requests)
    assert asked == 3
    model.usual = Plan()
    again = make()
    again.predict([f"text {i}" for i in range(9)])
    assert len(model.requests) - asked == 8


def test_a_file_with_a_state_that_does_not_fit_is_refused():
    state = {
        "classes_": np.array(["a", "b"]),
        "example_texts_": ["x"],
        "example_labels_": np.array(["a"]),
        "fallback_": 1,
    }
    classifier = LLMClassifier(base_url="http://localhost/v1", model="tiny")
    classifier._set_state(dict(state))
    assert classifier.cost_ == 0.0
    for name, value in {
        "classes_": ["a", "b"],
        "example_texts_": ["x", "y"],
        "example_labels_": np.array(["c"]),
        "fallback_": 2,
    }.items():
        with pytest.raises(PersistError, match="does not fit"):
            classifier._set_state({**state, name: value})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"base_url": "localhost:8000"}, "base_url"),
        ({"base_url": "ftp://localhost"}, "base_url"),
        ({"base_url": "http://localhost:99999/v1"}, "base_url"),
        ({"base_url": "http://me:secret@localhost/v1"}, "base_url holds a user name"),
        ({"base_url": "https://api.example.org/v1?key=secret"}, "base_url holds a query"),
        ({"base_url": "http://api.example.org/v1"}, "plain http"),
        ({"base_url": 3}, "base_url"),
        ({"prompt": "Good or bad?"}, r"no \{labels\}"),
        ({"price_in": -1.0}, "price_in"),
        ({"examples_per_class": -1}, "examples_per_class"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": float("nan")}, "temperature"),
        ({"options": {"stream": True}}, "stream"),
        ({"options": {"a": {1, 2}}}, "options"),
        ({"max_cost": 1.0}, "price_in and price_out are 0"),
        ({"max_cost": 1.0, "price_out": 1.0, "max_tokens": None}, "max_tokens"),
        ({"timeout": 0.0}, "timeout"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(make, settings, named):
    with pytest.raises(ValueError, match=named) as caught:
        make(**settings)
    assert "secret" not in str(caught.value)


def test_one_class_or_labels_that_look_the_same_are_refused(make):
    with pytest.raises(ValueError, match="only 1 class"):
        make(labels=("a", "a"))
    with pytest.raises(ValueError, match="rename it"):
        make(labels=("a", "a "))


def test_messages_shows_what_would_be_sent(make, model):
    classifier = make(examples_per_class=1, random_state=0)
    shown = classifier.messages("what?")
    assert model.requests == []
    classifier.predict(["what?"])
    assert model.requests[0]["messages"] == shown
    assert document({"messages": shown}) == "what?"


def test_answers_without_a_warning_are_silent(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().predict(TEXTS)


def test_no_answer_at_all_is_an_error_with_address_and_counts(make, model):
    model.plans = [Plan(), Plan(status=404, body=json.dumps({"error": "no such model"}).encode())]
    with pytest.raises(LLMError) as caught:
        make(n_jobs=1).predict(["one", "two", "three"])
    message = str(caught.value)
    assert message.startswith(f"{model.url}/chat/completions: the server answered 404 Not Found")
    assert "no such model; check base_url and model (1 of 3 texts are answered" in message
