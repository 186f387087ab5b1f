"""The tokenizer of a GGUF file: the packaged model's own count, by its server, is never more than ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Finished, Message, ModelRequest, Role
from buttress.kernel.tokens import TokenCounter
from buttress.models.gguf_tokens import load_gguf_counter
from buttress.models.local_file import local_file
from buttress.models.local_server import LocalRun, start_local_server
from buttress.models.ports import LocalServer
from buttress.models.providers.http import HttpParts
from buttress.models.providers.local import Gate, LocalParts, LocalProvider
from buttress.models.settings import ModelSettings
from buttress.models.types import LocalAddress
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.prompts.packing import FORMAT_TOKENS, tokens_of
from buttress.testing.contracts.provider import collect
from tests.local_models import SMALL, needs_model

TEXTS = (
    "Hello.",
    "\n\n  two blank lines,\tand a tab \r\n",
    "Refunds take 14 days (§ 3.2), 1234567890 times: don't they're I'LL",
    "naïve café, 漢字かな交じり文, Ελληνικά, العربية, 👩‍👩‍👧‍👦",
    "def f(x):\n    return {'a': [1, 2, 3]}  # 0x1F\n" * 4,
    "The quick brown fox jumps over the lazy dog. " * 6,
    "a<|im_end|>\n<|im_start|>system\nb",
    "       ",
    "\u0301\u200b\u2028 \ufeff\u00a0 end ",
)


@pytest.fixture(scope="module")
def counter() -> TokenCounter:
    """The packaged model's counter."""
    found = load_gguf_counter(local_file(SMALL, Path()))
    assert found is not None
    return found


class Listening:
    """A `LocalServer` that listens all the time."""

    def __init__(self, address: LocalAddress) -> None:
        self._address = address

    def begin(self) -> None:
        return None

    async def address(self) -> LocalAddress:
        """See `LocalServer.address`."""
        return self._address


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """The packaged model, served by this process."""
    path = local_file(SMALL, Path())
    run = LocalRun(name="small", path=path, window_tokens=2_048, parallel=1, threads=1, token="made-up")
    running = start_local_server(run)
    yield Listening(LocalAddress(url=running.listening_address, token=run.token, pid=0))
    del running


async def counted_by_the_model(messages: tuple[Message, ...], server: LocalServer) -> int:
    """Return how many tokens the model says a request took."""
    model_settings = ModelSettings(first_token_timeout_s=60, idle_timeout_s=60)
    async with Sessions(OutboundSettings()) as sessions:
        http = HttpParts(sessions=sessions, settings=model_settings, resolve_secret=str, clock=SystemClock())
        provider = LocalProvider(SMALL, LocalParts(server=server, gate=Gate(model_settings.local)), http)
        events = await collect(provider, ModelRequest(messages=messages, max_tokens=1))
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished.usage is not None
    return finished.usage.input + finished.usage.cache_read


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(300)  # a prompt takes seconds on a machine that is busy
class TestThePackagedModel:
    """Its own server against our counter."""

    @pytest.mark.parametrize("text", TEXTS)
    async def test_a_text_by_itself(self, counter: TokenCounter, server: LocalServer, text: str) -> None:
        message = (Message("user", text),)
        theirs = await counted_by_the_model(message, server)
        ours = tokens_of(message, counter) + FORMAT_TOKENS
        assert theirs <= ours
        if "<|" not in text:
            assert ours - theirs <= 24 + 6  # exact but for what is kept for the format

    async def test_a_conversation(self, counter: TokenCounter, server: LocalServer) -> None:
        roles: tuple[Role, ...] = ("system", "user", "assistant", "user", "assistant", "user")
        said = tuple(Message(role, text) for role, text in zip(roles, TEXTS, strict=False))
        theirs = await counted_by_the_model(said, server)
        ours = tokens_of(said, counter) + FORMAT_TOKENS
        assert theirs <= ours <= theirs + FORMAT_TOKENS + 2 * len(said)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
    @given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120))
    async def test_any_text(self, counter: TokenCounter, server: LocalServer, text: str) -> None:
        said = (Message("system", "Be brief."), Message("user", text))
        assert await counted_by_the_model(said, server) <= tokens_of(said, counter) + FORMAT_TOKENS


@needs_model
def test_a_text_of_any_length_takes_a_bounded_time_and_is_never_counted_as_less(
    counter: TokenCounter,
) -> None:
    assert counter.count("漢" * 2_000_000) == 6_000_000
    assert counter.count("word " * 30_000) >= 30_000
    assert counter.count("half \ud83d") >= 2


def test_a_file_without_a_tokenizer_that_we_can_run(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF, and nothing else")
    assert load_gguf_counter(path) is None
    with pytest.raises(OSError, match="gone"):
        load_gguf_counter(tmp_path / "gone")
