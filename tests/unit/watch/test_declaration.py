"""`watch.declaration`: alerts.yaml read, or every mistake in it with its line; no message holds a secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import Mistake
from buttress.watch.declaration import read_routes
from buttress.watch.types import KINDS, Route

PATH = Path("alerts.yaml")
GOOD = """\
webhooks:
  ops: {url: "https://ops.example/hook", secret: env:OPS}
  finance: {url: env:FINANCE_URL, secret: [env:NEW, file:secrets/old], on: [budget, cost, budget]}
"""


def test_webhooks_are_read_by_name() -> None:
    assert read_routes(GOOD, PATH) == (
        Route(
            name="finance",
            url="env:FINANCE_URL",
            secrets=("env:NEW", "file:secrets/old"),
            on=("budget", "cost"),
        ),
        Route(name="ops", url="https://ops.example/hook", secrets=("env:OPS",), on=KINDS),
    )


@pytest.mark.parametrize("text", ["", "{}", "webhooks: {}"])
def test_nobody_need_be_told(text: str) -> None:
    assert read_routes(text, PATH) == ()


WRONG = [
    pytest.param("url: ftp://a.example", "absolute http(s) URL", id="no http"),
    pytest.param("url: 'https://u:hunter2@a.example'", "without a user", id="a password in the URL"),
    pytest.param("url: 'http://169.254.169.254/x'", "a cloud's own services", id="where credentials are"),
    pytest.param("url: 7", "text", id="a number as URL"),
    pytest.param("secret: hunter2", "not where a secret is found", id="the secret itself"),
    pytest.param("secret: whsec_hunter2hunter2", "not where a secret is found", id="one that looks good"),
    pytest.param("secret: []", "secret", id="no secret"),
    pytest.param("secret: [env:A, env:B, env:C]", "secret", id="three secrets"),
    pytest.param("on: [bugdet]", "bugdet", id="a kind with a typo"),
    pytest.param("on: []", "on", id="told of nothing"),
    pytest.param("uri: x", "unknown key `uri`", id="a key with a typo"),
]


@pytest.mark.parametrize(("line", "said"), WRONG)
def test_a_mistake_names_its_line_and_no_secret(line: str, said: str) -> None:
    good = {"url": "https://a.example/x", "secret": "env:A", line.partition(":")[0]: ""}
    lines = [f"    {key}: {value}" for key, value in good.items() if value] + [f"    {line}"]
    text = "\n".join(["webhooks:", "  ops:", *lines])
    mistakes = read_routes(text, PATH)
    assert isinstance(mistakes, list)
    assert any(said in str(one) for one in mistakes), mistakes
    assert all(one.where.line and one.where.line >= 2 and one.hint for one in mistakes)
    assert "hunter2" not in str(mistakes)


def test_all_mistakes_are_told_at_once() -> None:
    text = "webhooks:\n  a b: {url: env:U, secret: env:S}\n  ops: {url: env:U}\n  c: {url: x, secret: y}\n"
    mistakes = read_routes(text, PATH)
    assert isinstance(mistakes, list)
    assert [one.where.line for one in mistakes] == [2, 3, 4, 4]


@pytest.mark.parametrize("text", ["webhooks: 7", "webhook: {}", "- 1", "webhooks: {a", "webhooks: {a: null}"])
def test_what_is_no_such_file_is_a_mistake(text: str) -> None:
    assert isinstance(read_routes(text, PATH), list)


@given(st.text(max_size=60))
def test_whatever_stands_in_the_file_is_read_or_a_mistake(text: str) -> None:
    found = read_routes(f"webhooks: {text}", PATH)
    assert isinstance(found, tuple) or all(isinstance(one, Mistake) for one in found)
