"""The guard before MLflow's server: what it passes on, and what it refuses."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from inpaint.tracking.serving import guard
from inpaint.tracking.serving.guard import Guard, Message, RefusalError, check_json

SENT = b'{"inputs": {"images": [[[[0], [255]]]], "holes": [[[true, false]]]}}'


class Application:
    """Answers with what it got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            message = await receive()
            assert not message["more_body"]
            self.got.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})


def ask(
    *parts: bytes,
    headers: dict[bytes, bytes] | None = None,
    hosts: tuple[str, ...] = (),
    before: tuple[tuple[bytes, bytes], ...] = (),
    **scope: str,
) -> tuple[Any, Any]:
    """Status and content of the answer, and what the application behind the guard got.

    Headers may be there twice: ``before``, and in ``headers``.
    """
    application, answer = Application(), []
    messages = iter(
        {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
        for i, part in enumerate(parts)
    )

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        answer.append(message)

    kind = {b"content-type": b"application/json"}
    about = {
        "type": "http",
        "method": "POST",
        **scope,
        "headers": [*before, *(kind | (headers or {})).items()],
    }
    asyncio.run(Guard(application, 200, hosts)(about, receive, send))
    body = b"".join(message.get("body", b"") for message in answer)
    return (answer[0]["status"], json.loads(body or b"{}").get("message")), application.got


LOCAL = ("127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize("host", [*LOCAL, "LOCALHOST", "127.0.0.1:5001", "[::1]:65535"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_for_this_machine_are_passed_on(method: str, host: str) -> None:
    (status, _), got = ask(SENT, headers={b"host": host.encode()}, hosts=LOCAL, method=method)
    assert (status, got) == (200, [SENT])


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:5001", "localhost.evil.example", "127.0.0.1:x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_for_other_hosts_are_refused(method: str, host: str) -> None:
    """As of a page whose name its owner has made to mean this machine."""
    told = f"Host: received {host!r}, allowed: 127.0.0.1, localhost, [::1]"
    (status, message), got = ask(SENT, headers={b"host": host.encode()}, hosts=LOCAL, method=method)
    assert (status, message, got) == (403, told, [])
    assert ask(SENT, headers={b"host": host.encode()}, method=method)[0][0] == 200


@pytest.mark.parametrize(
    "shape",
    [
        lambda texts: {"inputs": {"pictures": texts, "masks": []}},
        lambda texts: {"inputs": {"pictures": [texts]}},
        lambda texts: {"inputs": texts},
        lambda texts: {"inputs": [{"pictures": text} for text in texts]},
    ],
)
def test_texts_that_would_all_become_as_long_as_the_longest_are_refused(
    shape: Callable[[list[str]], Any],
) -> None:
    texts = ["x" * 1_000_000, *[""] * 250]
    told = "received 251 texts of up to 1,000,000 characters, allowed: 250,000,000 if all were"
    with pytest.raises(RefusalError, match=told) as caught:
        check_json(json.dumps(shape(texts)).encode())
    assert caught.value.status == 413
    check_json(json.dumps(shape(texts[:250])).encode())


@pytest.mark.parametrize("num", [1, 2, 7, len(SENT)])
def test_a_request_arrives_as_it_was_sent_in_however_many_pieces(num: int) -> None:
    size = -(-len(SENT) // num)
    parts = [SENT[i : i + size] for i in range(0, len(SENT), size)]
    assert ask(*parts) == ((200, None), [SENT])


def test_what_is_no_post_is_not_read() -> None:
    assert ask(b"anything", method="GET") == ((200, None), [b"anything"])
    assert ask(type="lifespan") == ((200, None), [])


PIXEL = {"images": [[[True]]], "holes": [[False]]}


@pytest.mark.parametrize(
    "content",
    [
        {"instances": [PIXEL]},
        {"instances": {name: [each] for name, each in PIXEL.items()}},
        {"dataframe_split": {"columns": [*PIXEL], "data": [[*PIXEL.values()]]}},
        {"dataframe_records": [PIXEL]},
        {"inputs": {}, "instances": [PIXEL]},
        {"inputs": {}, "params": {}},
        {"inputs": {}, "prompt": ""},
        {"messages": [], **PIXEL},
        PIXEL,
    ],
)
def test_all_ways_to_send_arrays_but_the_documented_one_are_refused(content: Any) -> None:
    """MLflow would take them: among them the first two, and make the pixel 1."""
    told = f"received an object with {', '.join(content)}, allowed: an object with `inputs` alone"
    with pytest.raises(RefusalError) as caught:
        check_json(json.dumps(content).encode())
    assert (caught.value.status, str(caught.value)) == (400, told)


@pytest.mark.parametrize(
    ("name", "first", "second", "status"),
    [
        (b"content-type", b"text/csv", b"application/json", 415),
        (b"content-type", b"application/json", b"text/csv", 415),
        (b"content-length", b"201", b"1", 413),
        (b"content-length", b"1", b"2", 413),
        (b"host", b"evil.example", b"localhost", 403),
    ],
)
def test_what_is_told_twice_is_refused(
    name: bytes, first: bytes, second: bytes, status: int
) -> None:
    """Others go by the first, or by the last."""
    told = {b"host": b"localhost", name: second}
    assert ask(SENT, before=((name, first),), headers=told, hosts=LOCAL)[0][0] == status


@pytest.mark.parametrize("kind", [b"text/csv", b"application/x-parquet", b"", b"application/jsonx"])
def test_other_types_than_json_are_refused(kind: bytes) -> None:
    (status, message), got = ask(b"a,b", headers={b"content-type": kind})
    assert (status, got) == (415, [])
    assert message.endswith("allowed content types: application/json")


def test_a_request_that_does_not_come_to_its_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "_PATIENCE_S", 0.01)
    answer: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Message) -> None:
        answer.append(message)

    headers = [(b"content-type", b"application/json; charset=utf-8")]
    about = {"type": "http", "method": "POST", "headers": headers}
    asyncio.run(Guard(Application(), largest=200)(about, never, send))
    assert answer[0]["status"] == 408


def test_more_at_once_than_there_is_room_for_is_refused() -> None:
    """Room that refused and broken off requests give back."""
    headers = [(b"content-type", b"application/json")]
    about = {"type": "http", "method": "POST", "headers": headers}

    async def statuses(guard: Guard, *bodies: bytes) -> list[int]:
        """Of requests that all have come before the first one breaks off."""
        break_off = asyncio.Event()
        answers: list[list[Message]] = [[] for _ in bodies]

        async def one(body: bytes, answer: list[Message]) -> None:
            parts = iter([body])

            async def receive() -> Message:
                part = next(parts, None)
                if part is None:
                    await break_off.wait()
                    return {"type": "http.disconnect"}
                return {"type": "http.request", "body": part, "more_body": True}

            async def send(message: Message) -> None:
                answer.append(message)

            await guard(about, receive, send)

        tasks = [asyncio.create_task(one(*each)) for each in zip(bodies, answers, strict=True)]
        await asyncio.sleep(0.1)
        break_off.set()
        await asyncio.gather(*tasks)
        return [answer[0]["status"] for answer in answers]

    async def ask_twice() -> None:
        guard = Guard(Application(), largest=200)
        for _ in range(2):
            assert await statuses(guard, *[b" " * 190] * 4, b" " * 41, b" " * 40) == [
                *[400] * 4, 503, 400,
            ]  # fmt: skip

    asyncio.run(ask_twice())


@pytest.mark.parametrize("length", [b"201", b"9" * 5000, b"-1", b"abc"])
def test_a_length_that_is_too_large_is_refused(length: bytes) -> None:
    (status, message), got = ask(SENT, headers={b"content-length": length})
    assert status == 413
    assert message.endswith("allowed: requests of up to 200")
    assert got == []


def test_pieces_that_are_too_many_are_refused() -> None:
    (status, message), got = ask(*[b" " * 50] * 5)
    assert (status, got) == (413, [])
    assert message == "received more bytes than that, allowed: requests of up to 200"
    assert ask(*[b" " * 50] * 4)[0][0] == 400  # as many as are allowed, but no JSON


def test_a_request_that_breaks_off_is_refused() -> None:
    assert ask() == ((400, "received no whole request"), [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "received no JSON: Expecting value"),
        (b"{", "received no JSON: "),
        (b"\xff\xfe\xfd", "received no JSON: "),
        (b"[" * 100_000, "received JSON that is nested too deeply"),
        (b'{"a":' * 100_000, "received JSON that is nested too deeply"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "received no JSON: Exceeds the limit"),
        (b"[]", "received a list, allowed: an object"),
        (b"null", "received a NoneType, allowed: an object"),
        (b'"text"', "received a str, allowed: an object with `inputs` alone"),
        (b"{}", "received an object with nothing, allowed: an object with `inputs` alone"),
        (b'{"' + b"x" * 5000 + b'": 1}', f"received an object with {'x' * 100}, allowed: an obj"),
        (b'{"inputs": {"images": [[[[true]]]]}}', "images: received truth values"),
        (b'{"inputs": {"images": [[[[7], [false]]]]}}', "images: received truth values"),
        (b'{"inputs": {"images": true}}', "images: received truth values"),
        (b'{"inputs": {"images": ' + b"[" * 500 + b"true" + b"]" * 500 + b"}}", "images: received"),
        ('{"inputs": {"images": [true]}}'.encode("utf-16"), "received no JSON: "),
    ],
)
def test_what_no_model_takes_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(RefusalError) as caught:
        check_json(body)
    assert caught.value.status == 400
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "body",
    [SENT, b'{"inputs": [true]}', b'{"inputs": {"pictures": ["true"], "masks": []}}'],
)
def test_all_else_is_for_the_model(body: bytes) -> None:
    check_json(body)
