"""What docs/security.md promises of servers, which are for this machine alone, and of the digests
of locked packages.
"""

import asyncio
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inpaint.commands import demo, serve
from tests.checkout import ROOT
from tests.e2e.server import free_port


def test_a_model_is_served_to_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inpaint_command: Callable[..., str]
) -> None:
    started: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

        def wait(self, _seconds: float | None = None) -> int:
            return 0

        def terminate(self) -> None:
            """It has ended."""

    @contextmanager
    def folder(*_: object) -> Iterator[Path]:
        yield tmp_path

    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setattr(serve, "open_client", lambda _: None)
    monkeypatch.setattr(serve, "model_files", folder)
    monkeypatch.setattr(serve, "subprocess", SimpleNamespace(Popen=Server))
    port = free_port()
    told = inpaint_command("serve", "--port", str(port), code=0)
    assert f"http://127.0.0.1:{port}" in told
    [command] = started
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--factory") + 1] == "guard:guarded"


def test_the_demo_is_for_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch, inpaint_command: Callable[..., str]
) -> None:
    monkeypatch.setattr(demo, "Choice", lambda *_: lambda _: None)
    inpaint_command("demo", "--port", str(free_port()), code=0)
    page: Any = sys.modules["gradio"].Blocks.return_value.__enter__.return_value
    options = page.launch.call_args.kwargs
    assert (options["server_name"], options["share"]) == ("127.0.0.1", False)
    [hosts] = options["app_kwargs"]["middleware"]
    assert hosts.kwargs == {"allowed_hosts": ["127.0.0.1", "localhost"]}


@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi is deprecated")
@pytest.mark.parametrize(
    ("host", "is_known"), [("127.0.0.1:5000", True), ("evil.example.org", False)]
)
def test_mlflows_own_server_answers_for_the_hosts_it_knows(host: str, is_known: bool) -> None:
    from mlflow.server.fastapi_app import create_fastapi_app

    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    request = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/none", "raw_path": b"/none", "root_path": "",
        "query_string": b"", "headers": [(b"host", host.encode())], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 5000),
    }  # fmt: skip
    asyncio.run(create_fastapi_app()(request, receive, send))
    assert answers[0]["status"] == (404 if is_known else 403)


def test_every_locked_package_has_a_digest() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    locked = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(locked) > 100
    assert [line for line in locked if not re.search("==.* --hash=sha256:[0-9a-f]{64}", line)] == []
