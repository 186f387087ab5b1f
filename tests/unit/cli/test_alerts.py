"""`buttress alerts`: the list, a test of a webhook over real HTTP, another try."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from buttress import verify_webhook
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.settings.loading import load_settings
from buttress.watch.store import AlertStore
from buttress.watch.types import Parcel
from tests.projects import ANSWERABLE
from tests.unit.cli.conftest import Run
from tests.unit.watch.alerting import alert, raise_them

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class _Receiver(HTTPServer):
    """Answers every POST with `status`, and believes only what is signed."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ids: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.ids.append(verify_webhook(body, dict(self.headers.items()), SECRET))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's
        pass


@contextmanager
def receiver() -> Iterator[_Receiver]:
    """Have a receiver in a thread of its own."""
    with _Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project without features."""
    (tmp_path / "buttress.yaml").touch()
    (tmp_path / "secret").write_text(SECRET)
    return tmp_path


def _declare(folder: Path, url: str) -> None:
    (folder / "alerts.yaml").write_text(f"webhooks:\n  ops: {{url: '{url}', secret: file:secret}}\n")


@pytest.mark.parametrize(("status", "code", "said"), [(204, 0, "delivered"), (500, 1, "the answer was 500")])
def test_a_webhook_is_tested(run: Run, folder: Path, status: int, code: int, said: str) -> None:
    with receiver() as there:
        there.status = status
        _declare(folder, f"http://127.0.0.1:{there.server_port}/in")
        ran = run("--project", folder, "alerts", "test", "ops")
        assert (ran.code, ran.err) == (code, "")
        assert said in ran.out
        assert " ms" in ran.out
        assert json.loads(run("--project", folder, "alerts", "test", "ops", "--json").out)["status"] == status
        assert len(set(there.ids)) == 2


def test_a_webhook_that_nobody_serves_is_an_outcome(run: Run, folder: Path) -> None:
    _declare(folder, "http://127.0.0.1:9/")
    ran = run("--project", folder, "alerts", "test", "ops")
    assert (ran.code, ran.err) == (1, "")
    assert "the connection was refused" in ran.out


def test_a_name_that_is_not_declared_and_a_secret_that_is_not_there_are_said(run: Run, folder: Path) -> None:
    _declare(folder, "http://127.0.0.1:9/")
    assert "watch.webhook_unknown" in run("--project", folder, "alerts", "test", "osp").err
    (folder / "secret").unlink()
    assert "file:secret leads to nothing" in run("--project", folder, "alerts", "test", "ops").err


def test_a_mistake_in_the_file_is_told_with_its_line(run: Run, folder: Path) -> None:
    (folder / "alerts.yaml").write_text("webhooks:\n  ops: {url: nowhere, secret: env:X}\n")
    ran = run("--project", folder, "alerts", "test", "ops")
    assert ran.code == 2
    assert "alerts.yaml:2: webhooks.ops.url" in ran.err


@pytest.mark.slow
def test_what_was_raised_is_listed_and_what_failed_is_due_again(run: Run, folder: Path) -> None:
    ran = run("--project", folder, "alerts", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "no alerts yet" in ran.err
    alert_id = asyncio.run(_one_given_up(folder))
    listed = run("--project", folder, "alerts", "list").out
    assert f"{alert_id}  2026-11-21 12:00:00  budget" in listed
    assert "ops: given up, 1 try, the answer was 410" in listed
    (told,) = json.loads(run("--project", folder, "alerts", "list", "--json").out)
    assert told["deliveries"][0]["state"] == "given_up"
    assert (
        run("--project", folder, "alerts", "retry", alert_id[-6:]).out
        == f"{alert_id} is due again for: ops\n"
    )
    assert "ops: waiting, 0 tries" in run("--project", folder, "alerts", "list").out
    ran = run("--project", folder, "alerts", "retry", "nothing")
    assert (ran.code, "watch.alert_unknown" in ran.err) == (1, True)


def test_targets_are_shown_beside_what_calls_came_to(run: Run, project: Path) -> None:
    feature = project / "features" / "support" / "feature.yaml"
    feature.write_text(feature.read_text() + "cost: {per_interaction: 0.02 USD}\n")
    assert run("--project", project, "ask", "support", ANSWERABLE).code == 0
    shown = run("--project", project, "alerts", "targets").out
    assert shown.startswith(
        "too few calls  support: $0.000000 per interaction, the target is $0.020000 (1 calls"
    )
    (told,) = json.loads(
        run("--project", project, "--set", "watch.min_calls=1", "alerts", "targets", "--json").out
    )
    assert (told["kind"], told["calls"], told["target"]) == ("cost", 1, 20_000_000)
    shown = run("--project", project, "--set", "watch.min_calls=1", "alerts", "targets").out
    assert shown.startswith("kept ")


async def _one_given_up(folder: Path) -> str:
    async with project_database(load_settings(folder), SystemClock()) as database:
        store = AlertStore(database)
        (raised,) = await raise_them(store, alert("team"), webhooks=("ops",), now=NOW)
        parcel: Parcel
        (parcel,) = await store.claim("ops", NOW, 1)
        await store.settle(
            parcel,
            "given_up",
            NOW,
            outcome="the answer was 410",
            status=410,
            next_try_at=NOW + timedelta(seconds=5),
        )
    return raised.alert_id
