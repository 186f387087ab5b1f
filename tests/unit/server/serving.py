"""A project whose models are a scripted upstream, and the server in this process over a real socket."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import msgspec

from buttress.app.buttress import Buttress
from buttress.app.layout import run_folder, spool_folder
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.metrics import WorkerMetrics
from buttress.server.running import serve, shared_socket
from buttress.settings.tree import ServerSettings
from buttress.storage.spool import read_records
from buttress.tracing.types import Trace

CHAT = """\
description: Passes a question on to a model.
input:
  type: object
  properties:
    question: {type: string, maxLength: 4000}
    extra: {}
  required: [question]
  additionalProperties: false
stages:
  - name: shop
    kind: rules
    rules:
      - function: rules.py:answer
  - name: write
    kind: generate
    prompt: answer.md
    ladder: answers
fallback:
  kind: text
  text: I do not know.
"""
RULES = '''
def answer(input):
    """Answer what needs no model."""
    return "We open at nine." if input["question"] == "When do you open?" else None
'''
SUPPORT = """\
description: Answers from documents.
input:
  type: object
  properties: {question: {type: string}}
  required: [question]
stages:
  - {name: find, kind: retrieve, knowledge: handbook}
  - {name: write, kind: generate, prompt: answer.md, ladder: quotes}
fallback: {kind: passages, text: Not found.}
"""
MODELS = """\
models:
  scripted: {{provider: openai, id: scripted, base_url: "{url}"}}
  quoting: {{provider: extractive}}
ladders:
  answers: [scripted]
  quotes: [quoting]
"""
DOCUMENT = """\
# Refunds

A first payment is refunded in full within 30 days. Later payments are refunded in part.
"""


def write_project(project: Path, upstream_url: str = "http://127.0.0.1:9/v1") -> Path:
    """Write a project with the features `chat` (a rule, else the upstream) and `support` (from documents)."""
    prompt = "# user\n\n{{ passages }}\n\n{{ question }}\n"
    files = {
        "buttress.yaml": "{}\n",
        "models.yaml": MODELS.format(url=upstream_url),
        "features/chat/feature.yaml": CHAT,
        "features/chat/rules.py": RULES,
        "features/chat/answer.md": "# user\n\n{{ question }}\n",
        "features/support/feature.yaml": SUPPORT,
        "features/support/answer.md": prompt,
        "knowledge/handbook.yaml": "sources:\n  - {folder: documents, readers: ['*']}\n",
        "documents/refunds.md": DOCUMENT,
    }
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project


class Serving(msgspec.Struct, frozen=True):
    """A server under way. `draining` cuts what runs, as `drain_s` after SIGTERM does."""

    url: str
    project: Path
    session: aiohttp.ClientSession
    draining: Bell
    waiting: dict[str, str]
    """What `/readyz` waits for; tests fill it."""

    def ask(
        self, question: str, *, feature: str = "chat", stream: bool = False
    ) -> "aiohttp.client._RequestContextManager":
        """Post a question."""
        body = {"input": {"question": question}, "user": "ada", "stream": stream}
        return self.session.post(f"{self.url}/v1/features/{feature}", json=body)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, for a bare socket."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


@asynccontextmanager
async def serving(project: Path, **settings: object) -> AsyncIterator[Serving]:
    """Serve `project` for the block; `settings` are those of the server."""
    flags = [f"server.{key}={value}" for key, value in settings.items()]
    draining, waiting = Bell(), dict[str, str]()
    async with Buttress.open(project, flags=flags) as buttress:
        metrics = WorkerMetrics(run_folder(project), "calls", lambda: buttress.present)
        application = CallServer(buttress, lambda: Readiness(waiting), draining, metrics)
        async with (
            listening(application, buttress.settings.server, draining) as url,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        ):
            yield Serving(url, project, session, draining, waiting)


@asynccontextmanager
async def listening(
    application: Callable[..., Awaitable[None]], settings: ServerSettings, draining: Bell
) -> AsyncIterator[str]:
    """Serve any ASGI application on a free port for the block; stop it by SIGTERM, as the supervisor does."""
    with _harmless(signal.SIGTERM), shared_socket("127.0.0.1", 0) as socket:
        async with asyncio.timeout(50), asyncio.TaskGroup() as group:
            task = group.create_task(serve(application, socket, settings, draining))
            yield f"http://127.0.0.1:{socket.getsockname()[1]}"
            while not task.done():
                signal.raise_signal(signal.SIGTERM)
                await asyncio.wait([task], timeout=0.2)


@contextmanager
def _harmless(number: signal.Signals) -> Iterator[None]:
    """Survive a signal that comes when the server does not heed it yet, or no more."""
    before = signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(number, before)


def traces(project: Path) -> list[Trace]:
    """Return the traces that wait in the project's spool, in the order they were written."""
    files = sorted(path for path in spool_folder(project).glob("*") if path.suffix in (".open", ".sealed"))
    return [msgspec.json.decode(one, type=Trace) for path in files for one in read_records(path)]


async def events_of(response: aiohttp.ClientResponse) -> list[tuple[str, dict[str, object]]]:
    """Return the events of a stream to its end, each with its name."""
    text = await response.text()
    return [_event(one) for one in text.split("\n\n") if one]


def _event(text: str) -> tuple[str, dict[str, object]]:
    name, data = text.split("\n")
    return name.removeprefix("event: "), msgspec.json.decode(
        data.removeprefix("data: "), type=dict[str, object]
    )


async def send_raw(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes on a connection of their own, and return all that comes back until the server closes it."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
