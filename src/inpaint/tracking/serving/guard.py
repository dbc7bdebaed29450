"""MLflow's server of a model, which gets no request that would hold it up or crash its reader.

`inpaint serve` has uvicorn import this file by itself, from its folder: beside it the model's own
code is imported as `inpaint`, so nothing of the project is used here.
"""

import asyncio
import json
import os
import re
import signal
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import nullcontext
from typing import Any

LARGEST_VARIABLE = "INPAINT_LARGEST_REQUEST"  # bytes
HOST_VARIABLE = "INPAINT_HOST"  # that the server listens on
_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
_WATCH_S = 0.5
_PATIENCE_S = 60.0  # for a request to arrive
_TOGETHER = 4  # times the largest request: what all that are being answered may have
# Bytes of a request: larger ones are parsed one at a time, for their numbers take twenty times as
# much memory.
_LARGE = 1_000_000
_MOST_CHARACTERS = 250_000_000  # of which each takes 4 bytes
_FEW_QUOTES = 10  # of two texts beside the names of what is sent
_LONGEST_ECHO = 100  # characters

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RefusalError(Exception):
    """A request that is not passed on.

    Args:
        status: of HTTP.
        message: what was received, and what is allowed.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """An ASGI application before another one.

    Args:
        app: the other one.
        largest: bytes of a request's body.
        hosts: what requests may call this server; none: anything.
    """

    def __init__(self, app: Any, largest: int, hosts: Sequence[str] = ()) -> None:
        self._app, self._largest, self._hosts = app, largest, hosts
        self._held = 0  # bytes
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check_host(scope)
            if scope["method"] != "POST":
                await self._app(scope, receive, send)
                return
            _check_type(scope)
            body = await self._body_in_time(scope, receive)
            try:
                async with self._one_at_a_time if len(body) > _LARGE else nullcontext():
                    await self._pass_on(body, scope, receive, send)
            finally:
                self._held -= len(body)
        except RefusalError as refusal:
            await _answer(send, refusal)

    async def _pass_on(self, body: bytes, scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(check_json, body)
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(sent, None) or await receive()

        await self._app(scope, again, send)

    def _check_host(self, scope: Message) -> None:
        """Refuse what a page of another host may send, whose name has been made to mean this
        machine."""
        host = _header(scope, b"host").decode("latin-1")
        if self._hosts and re.sub(r":\d{1,5}$", "", host).lower() not in self._hosts:
            raise RefusalError(
                403, f"Host: received {host[:100]!r}, allowed: {', '.join(self._hosts)}"
            )

    async def _body_in_time(self, scope: Message, receive: Receive) -> bytes:
        try:
            return await asyncio.wait_for(self._body(scope, receive), _PATIENCE_S)
        except TimeoutError:
            told = f"received no whole request within {_PATIENCE_S:.0f} s"
            raise RefusalError(408, told) from None

    async def _body(self, scope: Message, receive: Receive) -> bytes:
        told = _header(scope, b"content-length") or b"0"
        if not told.isdigit() or len(told) > 18 or int(told) > self._largest:
            raise self._too_large(f"{told.decode('latin-1')[:20]} bytes")
        parts: list[bytes] = []
        size, is_more = 0, True
        try:
            while is_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusalError(400, "received no whole request")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                self._held += len(parts[-1])
                if size > self._largest:
                    raise self._too_large("more bytes than that")
                if self._held > _TOGETHER * self._largest:
                    raise RefusalError(
                        503, "received too many requests at once: send it again later"
                    )
                is_more = message.get("more_body", False)
        except BaseException:  # also where it has taken too long
            self._held -= size
            raise
        return b"".join(parts)

    def _too_large(self, received: str) -> RefusalError:
        return RefusalError(
            413, f"received {received}, allowed: requests of up to {self._largest:,}"
        )


def check_json(body: bytes) -> None:
    """Refuse what MLflow cannot parse, in other words than it would, which has all of it; its other
    ways to send arrays; and truth values among pixels, which arrays of numbers hide.

    Raises:
        RefusalError: with 400.
    """
    try:
        text = body.decode("utf-8")
        content = json.loads(text)
    except RecursionError:
        raise RefusalError(400, "received JSON that is nested too deeply") from None
    except ValueError as error:  # also of a number with too many digits
        reason = next(iter(str(error).splitlines()), "")[:200]
        raise RefusalError(400, f"received no JSON: {reason}") from None
    allowed = "allowed: an object with `inputs` alone"
    if not isinstance(content, dict):
        raise RefusalError(400, f"received a {type(content).__name__}, {allowed}")
    if content.keys() != {"inputs"}:
        names = ", ".join(content)[:_LONGEST_ECHO] or "nothing"
        raise RefusalError(400, f"received an object with {names}, {allowed}")
    if text.count('"') > _FEW_QUOTES:  # otherwise it is all numbers, which take long to walk over
        _check_texts(content)
    if "true" in text or "false" in text:
        inputs = content["inputs"]
        images = inputs.get("images") if isinstance(inputs, dict) else None
        if _has_truth_values(images):
            raise RefusalError(
                400,
                "images: received truth values, allowed: whole numbers from 0 to 255, black to "
                "white",
            )


def _check_texts(content: object) -> None:
    """Refuse so many texts that NumPy, which makes all as long as the longest, has no room for."""
    num = longest = 0
    left = [content]
    while left:
        each = left.pop()
        if isinstance(each, str):
            num, longest = num + 1, max(longest, len(each))
        elif isinstance(each, list | dict):
            left += each.values() if isinstance(each, dict) else each
    if num * longest > _MOST_CHARACTERS:
        raise RefusalError(
            413,
            f"received {num:,} texts of up to {longest:,} characters, allowed: "
            f"{_MOST_CHARACTERS:,} if all were as long; send them by fewer at a time",
        )


def _has_truth_values(content: object) -> bool:
    left = [content]
    while left:
        each = left.pop()
        if isinstance(each, bool):
            return True
        if isinstance(each, list):
            left += each
    return False


def _check_type(scope: Message) -> None:
    """Refuse other types than JSON: tables, which MLflow would take, are no images."""
    kind = _header(scope, b"content-type").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        received = kind.decode("latin-1")[:100] or "nothing"
        raise RefusalError(415, f"received {received}, allowed content types: application/json")


def _header(scope: Message, name: bytes) -> bytes:
    """All of that name: MLflow may take the first of two for what is meant, or the last."""
    return b", ".join(value for each, value in scope["headers"] if each == name)


async def _answer(send: Send, refusal: RefusalError) -> None:
    body = json.dumps({"error_code": "BAD_REQUEST", "message": str(refusal)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # what is left of the request is not read
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded() -> Guard:
    """What uvicorn starts."""
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    from mlflow.pyfunc.scoring_server.app import app  # it loads the model

    is_local = os.environ[HOST_VARIABLE] in ("127.0.0.1", "localhost", "::1")
    hosts = _THIS_MACHINE if is_local else ()
    return Guard(app, int(os.environ[LARGEST_VARIABLE]), hosts)


def _end_with(parent: int) -> None:
    """End this process after `inpaint serve`, which somebody may kill: it would keep the port."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)
