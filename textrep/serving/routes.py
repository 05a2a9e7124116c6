"""What is answered at which address."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from textrep._version import __version__
from textrep.comparison import ComparisonError, LLMError
from textrep.core.text import TextInputError
from textrep.serving import describing
from textrep.serving.asking import (
    BAD_CONTENT,
    BAD_JSON,
    TOO_LARGE,
    Limits,
    RequestError,
    read_request,
)
from textrep.serving.brief import brief_characters
from textrep.serving.lane import OVERLOADED, Lane
from textrep.serving.metrics import CONTENT_TYPE, Metrics
from textrep.serving.served import EXPLAIN, MAX_WORDS, PREDICT, TRANSFORM, ServedModel

_BODY_LATE, _FAULT, _LACKING, _NO_ANSWER = 408, 500, 501, 502

# Explaining asks the model once for each different word of a text, of a long one 500 times: so
# many texts of so many characters take seconds, where predicting takes milliseconds.
_MAX_EXPLAINED = 16
_MAX_EXPLAINED_CHARACTERS = 20_000
_WORDS = 5

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_LOG = logging.getLogger("uvicorn.error")

_Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Answering:
    """Answers requests about a model.

    Parameters
    ----------
    served : ServedModel
    limits : Limits
        Of a request to predict or transform; one to explain has less.
    max_wait, max_waiting, batch
        See `create_app`.
    metrics : Metrics
    """

    def __init__(
        self,
        served: ServedModel,
        limits: Limits,
        *,
        max_wait: float,
        max_waiting: int,
        batch: int,
        metrics: Metrics,
    ) -> None:
        self.served = served
        self.metrics = metrics
        self._limits = limits
        self._explained = Limits(
            min(limits.max_texts, _MAX_EXPLAINED),
            min(limits.max_characters, _MAX_EXPLAINED_CHARACTERS),
            limits.max_bytes,
        )
        self._max_wait = max_wait
        self._lanes = {}
        for what, call in served.calls.items():
            at_once = what != EXPLAIN and not served.is_hosted
            self._lanes[what] = Lane(
                call,
                batch=1 if what == EXPLAIN else batch,
                max_wait=max_wait,
                max_waiting=max_waiting,
                brief_characters=brief_characters(call, served.missing_columns) if at_once else 0,
                on_call=metrics.count_batch,
            )

    async def predict(self, request: Request) -> Response:
        """Labels and the probabilities of the classes."""
        answers, numbers = await self._answers(PREDICT, request, {"top": math.inf})
        labels, tables = zip(*answers, strict=True)
        if tables[0] is not None and (top := numbers.get("top")) is not None:
            tables = tuple(_most_probable(table, top) for table in tables)
        probabilities = None if tables[0] is None else tables
        return _json({"labels": labels, "probabilities": probabilities})

    async def explain(self, request: Request) -> Response:
        """Labels and the words that decided them."""
        answers, numbers = await self._answers(EXPLAIN, request, {"words": MAX_WORDS})
        n_words = numbers.get("words", _WORDS)
        labels, words = zip(*answers, strict=True)
        return _json({"labels": labels, "words": [each[:n_words] for each in words]})

    async def transform(self, request: Request) -> Response:
        """A vector of each text."""
        answers, _ = await self._answers(TRANSFORM, request, {})
        return _json({"vectors": answers})

    async def health(self, request: Request) -> Response:
        """Whether the server lives and is ready for more, and what it serves."""
        about = {
            "live": True,
            "ready": not any(lane.is_full for lane in self._lanes.values()),
            "model": self.served.name,
            "checksum": self.served.checksum,
            "classes": len(self.served.classes),
            "columns": self.served.columns,
            "version": __version__,
        }
        return _json(about)

    async def count(self, request: Request) -> Response:
        """What was counted, for Prometheus."""
        served = self.served
        about = {"model": served.name, "checksum": served.checksum, "version": __version__}
        return Response(self.metrics.exposition(about), media_type=CONTENT_TYPE)

    async def _answers(
        self, what: str, request: Request, numbers: Mapping[str, float]
    ) -> tuple[list[Any], dict[str, int]]:
        if what not in self._lanes:
            raise RequestError(_LACKING, self.served.lacking[what])
        limits = self._explained if what == EXPLAIN else self._limits
        body = await self._body(request)
        asked = read_request(body, limits, columns=self.served.columns, numbers=numbers)
        self.metrics.count_texts(f"/{what}", len(asked.texts))
        try:
            self.served.check_columns(asked.columns)
            return await self._lanes[what].answers(asked.texts, asked.columns), asked.numbers
        except (ComparisonError, TextInputError) as error:
            raise RequestError(BAD_CONTENT, str(error)) from error
        except LLMError as error:
            # Its words may name the address of the other server, which is nobody's business.
            _LOG.error("the hosted model gave no answer: %s", error)
            raise RequestError(_NO_ANSWER, "the hosted model gave no answer") from error

    async def _body(self, request: Request) -> bytes:
        limit = self._limits.max_bytes
        fault = f"the body has more than {limit:,} bytes, which is the limit; send fewer texts"
        if int(request.headers.get("content-length", 0)) > limit:
            raise RequestError(TOO_LARGE, fault)
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._max_wait):
                async for part in request.stream():
                    size += len(part)
                    if size > limit:
                        raise RequestError(TOO_LARGE, fault)
                    parts.append(part)
        except TimeoutError:
            late = f"the body did not come within {self._max_wait:g} seconds"
            raise RequestError(_BODY_LATE, late) from None
        return b"".join(parts)


def _most_probable(table: dict[str, float], top: int) -> dict[str, float]:
    return dict(sorted(table.items(), key=lambda item: -item[1])[:top])


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = _ENCODER.encode(value).encode("ascii")
    return Response(body, status, headers, media_type="application/json")


def _fault(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return _json({"detail": message}, status, headers)


class _PlainRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response itself.

    Declared parameters would be looked for on every request, which takes as long as a prediction.
    """

    def get_route_handler(self) -> _Endpoint:
        endpoint: _Endpoint = self.endpoint
        return endpoint


class _Counting:
    """Counts every request: an ASGI application around another."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _FAULT  # where nothing is sent from here, the server says so

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        self._metrics.begin()
        try:
            await self._app(scope, receive, watch)
        finally:
            self._metrics.end(scope["path"], status, time.perf_counter() - begun)


def build_app(answering: Answering) -> FastAPI:
    """Put answers at their addresses.

    Parameters
    ----------
    answering : Answering

    Returns
    -------
    FastAPI
    """
    app = FastAPI(
        title=f"textrep: {answering.served.name}",
        version=__version__,
        description=describing.DESCRIPTION,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.router.route_class = _PlainRoute
    posts = (("predict", answering.predict), ("explain", answering.explain))
    for name, endpoint in (*posts, ("transform", answering.transform)):
        app.post(
            f"/{name}",
            response_class=Response,
            openapi_extra=describing.request_of(name, answering.served.columns),
            responses=describing.responses_of(name),
        )(endpoint)
    for name, get in (("health", answering.health), ("metrics", answering.count)):
        app.get(f"/{name}", response_class=Response)(get)
    _handle_faults(app)
    app.add_middleware(_Counting, metrics=answering.metrics)
    return app


def _handle_faults(app: FastAPI) -> None:
    """Answer whatever goes wrong with one sentence."""

    async def refused(request: Request, error: Any) -> Response:
        later = {"Retry-After": "1"} if error.status == OVERLOADED else None
        return _fault(error.status, str(error), later)

    async def not_there(request: Request, error: Any) -> Response:
        message = error.detail
        if error.status_code == 404:
            message = f"there is nothing at this path; there are {', '.join(_paths(app))}"
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            message = f"{request.method} is not answered here; send {allowed}"
        return _fault(error.status_code, message, error.headers)

    async def gone(request: Request, error: Any) -> Response:
        return _fault(BAD_JSON, "the connection was closed before the body had come")

    async def failed(request: Request, error: Any) -> Response:
        # The error goes on to the server, which writes it to its log.
        return _fault(_FAULT, "the model failed on this request; the server's log says how")

    handlers: dict[Any, Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
        RequestError: refused,
        HTTPException: not_there,
        ClientDisconnect: gone,
        Exception: failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _paths(app: FastAPI) -> list[str]:
    return sorted(path for route in app.routes if (path := getattr(route, "path", "")))
