"""`outbound.webhooks`: what comes of a try, at receivers that do what they like."""

from datetime import UTC, datetime

import pytest

from buttress.outbound.sessions import Sessions
from buttress.outbound.signing import is_signed
from buttress.outbound.webhooks import Kind, Message, Webhook, send_webhook
from buttress.testing.contracts.provider import until
from tests.unit.outbound.sites import Answer, Visit, saying, settings, site

KEYS = (bytes(range(32)), bytes(24))
MESSAGE = Message(
    id="al_1", body=b'{"type": "alert.test"}', sent_at=datetime(2026, 11, 21, 12, 0, 0, 700_000, UTC)
)
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * 100_000


async def _silent(visit: Visit) -> None:
    await visit.until_gone()


async def _closing(visit: Visit) -> None:
    visit.writer.close()


def _status(status: int, more: bytes = b"") -> Answer:
    return saying(b"HTTP/1.1 %d X\r\n%sContent-Length: 0\r\n\r\n" % (status, more))


def _headers(visit: Visit) -> dict[str, str]:
    lines = visit.head.split("\r\n")[1:-2]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


async def test_a_receiver_can_check_what_it_gets() -> None:
    async with site(_status(204)) as there, Sessions(settings()) as sessions:
        sent = await send_webhook(sessions, Webhook(f"{there.url}/in?x=1", KEYS), MESSAGE, 5)
        (visit,) = there.visits
    headers = _headers(visit)
    assert (sent.kind, sent.status) == ("delivered", 204)
    assert sent.duration_ms > 0
    assert (visit.body, headers["webhook-id"]) == (MESSAGE.body, "al_1")
    timestamp = int(headers["webhook-timestamp"])
    assert timestamp == int(MESSAGE.sent_at.timestamp())
    for key in KEYS:
        assert is_signed(headers["webhook-signature"], key, "al_1", timestamp, visit.body)


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
            "delivered",
            200,
            id="HTML, which is nothing but a body",
        ),
        pytest.param(saying(LONG), "delivered", 200, id="an answer without end is not read"),
        pytest.param(_status(500), "answered", 500, id="an error"),
        pytest.param(_status(429, b"Retry-After: 9\r\n"), "answered", 429, id="too many"),
        pytest.param(_status(302, b"Location: /x\r\n"), "answered", 302, id="a redirect is not followed"),
        pytest.param(_status(410), "gone", 410, id="it is gone for good"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not_http", None, id="no HTTP"),
        pytest.param(_closing, "broken_off", None, id="it hangs up"),
    ],
)
async def test_whatever_is_answered_is_an_outcome(answer: Answer, kind: Kind, status: int | None) -> None:
    async with site(answer) as there, Sessions(settings()) as sessions:
        sent = await send_webhook(sessions, Webhook(there.url, KEYS), MESSAGE, 20)
        assert (sent.kind, sent.status) == (kind, status)
        assert len(there.visits) == 1
        await until(lambda: sessions.open_connections == 0)


async def test_one_that_says_nothing_is_left_in_time() -> None:
    async with site(_silent) as there, Sessions(settings()) as sessions:
        sent = await send_webhook(sessions, Webhook(there.url, KEYS), MESSAGE, 0.2)
        assert (sent.kind, sent.reason) == ("timed_out", "no answer within 0.2 s")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("http://127.0.0.1:9", "unreachable", id="nobody listens"),
        pytest.param("http://nowhere.invalid/", "unreachable", id="no such name"),
        pytest.param("http://169.254.169.254/latest/meta-data", "barred", id="a cloud's credentials"),
        pytest.param("http://[::ffff:169.254.169.254]/", "barred", id="the same, written otherwise"),
        pytest.param("http://0xa9fea9fe/", "barred", id="the same, as a number"),
        pytest.param("ftp://a.example/", "invalid", id="no http"),
        pytest.param("http://user:word@a.example/", "invalid", id="a password in it"),
        pytest.param("", "invalid", id="nothing"),
        pytest.param("http://a\0b/", "unreachable", id="a NUL"),
    ],
)
async def test_an_address_that_cannot_be_told_is_an_outcome(url: str, kind: Kind) -> None:
    async with Sessions(settings()) as sessions:
        sent = await send_webhook(sessions, Webhook(url, KEYS), MESSAGE, 20)
    assert sent.kind == kind
    assert "word" not in sent.reason
    assert "169.254" not in sent.reason
