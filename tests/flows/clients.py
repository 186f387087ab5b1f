"""One served project for all tests with unmodified clients, and the models behind it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.golden import Turn, reply_of
from tests.flows.running import serve_models
from tests.flows.threads import in_thread

OPENAI, ANTHROPIC, GEMINI = "gpt-5-mini", "claude-sonnet-4-6", "gemini-2.5-flash"
"""Names of models, each behind another API; some frameworks go by what they know of a name."""

EVERY = (OPENAI, ANTHROPIC, GEMINI)
ILL, LIMITED = "ill", "limited"
"""Speak OpenAI's API; for failures after which a model is left alone, so that no other test waits."""

FAILURES = pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        pytest.param(Reply(status=401), "InternalServerError", "models.refused_key", id="a refused key"),
        pytest.param(Reply(status=400), "BadRequestError", "models.bad_request", id="a bad request"),
        pytest.param(
            Reply(status=400, code="context_length_exceeded", message="prompt is too long"),
            *("BadRequestError", "models.window_exceeded"),
            id="too long a request",
        ),
        pytest.param(Reply(status=500), "InternalServerError", "models.unavailable", id="a failure"),
        pytest.param(
            Reply(status=529, code="overloaded_error"),
            *("InternalServerError", "models.unavailable"),
            id="an overloaded model",
        ),
        pytest.param(Reply(status=429), "RateLimitError", "models.rate_limited", id="a rate limit"),
    ],
)
"""What a model says, the class that each client raises for it, and the code of the error."""

BROKEN = pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(Reply(chunks=("One. ", "Two. "), ending="cut"), "models.stream_cut", id="cut"),
        pytest.param(Reply(chunks=("One. ", "Two. "), ending="error"), "models.unavailable", id="an error"),
    ],
)
"""A model that breaks off after \"One. Two. \", and the code of the error."""

_MODELS = """\
models:
  gpt-5-mini:
    provider: openai
    id: gpt-5-mini
    base_url: "{url}"
    max_output_tokens: 4096
    price: {{input: 1, output: 2}}
  claude-sonnet-4-6:
    provider: anthropic
    id: claude-sonnet-4-6
    base_url: "{url}"
    key: "file:key"
    max_output_tokens: 4096
    price: {{input: 1, output: 2}}
  gemini-2.5-flash:
    provider: gemini
    id: gemini-2.5-flash
    base_url: "{url}"
    key: "file:key"
    max_output_tokens: 4096
    price: {{input: 1, output: 2}}
  ill: {{provider: openai, id: ill, base_url: "{url}"}}
  limited: {{provider: openai, id: limited, base_url: "{url}"}}
"""
_SETTINGS = """\
models: {attempts_per_rung: 1, breaker: {failures: 1000}, first_token_timeout_s: 60, idle_timeout_s: 60}
knowledge: {engine: {stage_timeout_s: 30, call_timeout_s: 60}}
"""


class Stage:
    """A served project. What its models say is played, turn by turn; what they were asked is in `asked`."""

    def __init__(self) -> None:
        self.upstream = ScriptedUpstream(self._answer)
        self.url = ""
        self._left: list[Turn | Reply] = []

    @property
    def asked(self) -> Sequence[Received]:
        """The requests that came since `play`."""
        return self.upstream.received

    def play(self, *turns: Turn | Reply) -> None:
        """Let the models say `turns`, one for each request; a request beyond them is answered with 500."""
        self._left = list(turns)
        self.upstream.received.clear()

    def body(self, at: int = -1) -> dict[str, object]:
        """Return what was asked in the request at `at`, the last one unless said otherwise."""
        return self.asked[at].body

    def _answer(self, received: Received) -> Reply:
        """Return what comes next, in the words of the API that was asked."""
        if not self._left:
            return Reply(status=500, message="nothing more is on")
        said = self._left.pop(0)
        return reply_of(received.path, said) if isinstance(said, Turn) else said


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Serve a project of models for the block."""
    stage = Stage()
    with (
        in_thread(stage.upstream) as upstream,
        serve_models(
            folder, _MODELS.format(url=upstream.url), "--workers", "1", settings=_SETTINGS
        ) as served,
    ):
        stage.url = served.url
        yield stage


def classes_of(error: Exception) -> list[str]:
    """Return the name of an error's class, and of those above it."""
    return [one.__name__ for one in type(error).__mro__]


def shown(told: object) -> str:
    """Return what was asked as JSON, for who looks for a word in it."""
    return msgspec.json.encode(told).decode()
