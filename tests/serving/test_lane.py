"""Requests that share a model: gathered, refused when too many, none harmed by another."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.serving.stand_ins import Lengths
from textrep.serving import RequestError
from textrep.serving.brief import brief_characters
from textrep.serving.lane import Lane
from textrep.serving.served import serve_model


def lane_of(model: Lengths, **options) -> Lane:
    call = serve_model(model).calls["predict"]
    model.calls.clear()
    model.has_begun.clear()
    settings = {"batch": 4, "max_wait": 60.0, "max_waiting": 10} | options
    return Lane(call, **settings)


async def labels(lane: Lane, *texts: str) -> list[str]:
    return [label for label, _ in await lane.answers(list(texts), {})]


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def begun_before(lane: Lane, model, texts) -> list[asyncio.Task]:
    """A request that the model works on, and others that have come meanwhile; then it goes on."""
    model.may_go_on.clear()
    first = asyncio.create_task(labels(lane, "first"))
    await until(model.has_begun.is_set)
    later = [asyncio.create_task(labels(lane, text)) for text in texts]
    await asyncio.sleep(0)
    model.may_go_on.set()
    return [first, *later]


def test_what_comes_while_the_model_works_is_asked_together():
    model = Lengths()
    lane = lane_of(model)

    async def run():
        tasks = await begun_before(lane, model, ("a", "longer", "b", "c", "d"))
        return [await task for task in tasks]

    assert asyncio.run(run()) == [["long"], ["short"], ["long"], ["short"], ["short"], ["short"]]
    assert model.calls == [["first"], ["a", "longer", "b", "c"], ["d"]]


def test_a_request_of_many_texts_is_asked_in_parts_between_others():
    model = Lengths()
    lane = lane_of(model, batch=2)
    texts = ["a", "longer", "b", "longest", "c"]

    async def run():
        many = asyncio.create_task(labels(lane, *texts))
        await asyncio.sleep(0)
        one = asyncio.create_task(labels(lane, "one"))
        return await many, await one

    assert asyncio.run(run()) == (["short", "long", "short", "long", "short"], ["short"])
    assert model.calls[0] == texts[:2]
    assert ["one"] in model.calls[1:3]


def test_a_request_that_fails_fails_alone():
    model = Lengths()
    lane = lane_of(model)

    async def run():
        tasks = await begun_before(lane, model, ("a", "poison", "longer"))
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, before, failed, after = asyncio.run(run())
    assert (first, before, after) == (["long"], ["short"], ["long"])
    assert isinstance(failed, RuntimeError)


def test_a_request_that_waits_too_long_is_told_so_and_not_asked():
    model = Lengths()
    lane = lane_of(model, max_wait=0.05)

    async def run():
        model.may_go_on.clear()
        first = asyncio.create_task(labels(lane, "first"))
        await until(model.has_begun.is_set)
        found = await asyncio.gather(first, labels(lane, "second"), return_exceptions=True)
        model.may_go_on.set()
        assert await labels(lane, "third") == ["long"]
        return found

    for error in asyncio.run(run()):
        assert isinstance(error, RequestError)
        assert error.status == 503
        assert "did not answer within 0.05 seconds" in str(error)
    assert model.calls == [["first"], ["third"]]


def test_beyond_so_many_that_wait_a_request_is_refused_at_once():
    model = Lengths()
    lane = lane_of(model, max_waiting=2)

    async def run():
        model.may_go_on.clear()
        first = asyncio.create_task(labels(lane, "first"))
        await until(model.has_begun.is_set)
        waiting = [asyncio.create_task(labels(lane, text)) for text in ("a", "b")]
        await asyncio.sleep(0)
        assert lane.is_full
        with pytest.raises(RequestError, match="too many requests wait") as caught:
            await labels(lane, "c")
        model.may_go_on.set()
        assert [await task for task in (first, *waiting)] == [["long"], ["short"], ["short"]]
        assert not lane.is_full
        return caught.value.status

    assert asyncio.run(run()) == 503


def test_columns_stay_beside_their_texts():
    seen = []

    def call(texts, columns):
        seen.append((texts, columns))
        return list(zip(texts, columns["price"], strict=True))

    async def run():
        lane = Lane(call, batch=2, max_wait=60.0, max_waiting=10)
        asked = (
            lane.answers(list(texts), {"price": list(texts.upper())}) for texts in ("abc", "d")
        )
        return await asyncio.gather(*asked)

    assert asyncio.run(run()) == [[("a", "A"), ("b", "B"), ("c", "C")], [("d", "D")]]
    assert all(len(texts) == len(columns["price"]) <= 2 for texts, columns in seen)


def test_brief_texts_do_not_wait_for_the_thread():
    def call(texts, columns):
        return [threading.current_thread() is threading.main_thread()] * len(texts)

    async def run():
        lane = Lane(call, batch=4, max_wait=60.0, max_waiting=10, brief_characters=5)
        return await lane.answers(["ab", "cde"], {}), await lane.answers(["abc", "def"], {})

    assert asyncio.run(run()) == ([True, True], [False, False])


def brief_lane(call, **options) -> Lane:
    return Lane(call, batch=4, max_wait=60.0, max_waiting=10, brief_characters=8, **options)


def test_brief_texts_of_one_turn_are_asked_together_but_the_first():
    sizes: list[int] = []

    def call(texts, columns):
        return [(text, price) for text, price in zip(texts, columns["price"], strict=True)]

    async def run():
        lane = brief_lane(call, on_call=sizes.append)
        asked = [["a"], ["b", "c"], ["d"], ["longest"], ["e"], []]
        answers = (lane.answers(texts, {"price": texts}) for texts in asked)
        return asked, await asyncio.gather(*answers)

    asked, found = asyncio.run(run())
    assert found == [[(text, text) for text in texts] for texts in asked]
    # At most 8 characters at once.
    assert sizes == [1, 3, 2]


def test_a_brief_request_that_fails_fails_alone():
    async def run():
        lane = brief_lane(serve_model(Lengths()).calls["predict"])
        asked = (labels(lane, text) for text in ("first", "a", "poison", "b"))
        return await asyncio.gather(*asked, return_exceptions=True)

    first, before, failed, after = asyncio.run(run())
    assert (first, before, after) == (["long"], ["short"], ["short"])
    assert isinstance(failed, RuntimeError)


def test_only_a_quick_model_has_brief_texts():
    assert brief_characters(serve_model(Lengths()).calls["predict"], lambda n: {}) == 0
    quick = brief_characters(lambda texts, columns: [None] * len(texts), lambda n: {})
    assert quick > 1000
