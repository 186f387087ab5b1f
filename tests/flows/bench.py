"""A `buttress serve` before an upstream that does whatever is asked for: one for all tests that want it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from buttress.tracing.types import Trace
from tests.flows.bad_answers import SAYS
from tests.flows.doors import Load, heard_by_all, load_of, traces_of, until_at_rest
from tests.flows.running import Served, serve_models
from tests.flows.threads import in_thread
from tests.unit.outbound.sites import Site, Visit, site
from tests.waiting import until

Provider = Literal["openai", "anthropic", "gemini"]
PROVIDERS: tuple[Provider, ...] = ("openai", "anthropic", "gemini")

PATIENCE_S = 3
"""How long the server waits for a first token, and for the next one."""

SLOTS = 24
"""Calls at once to one model, to begin with; more wait in line."""

SETTINGS = f"""\
models:
  backoff_base_s: 0
  first_token_timeout_s: {PATIENCE_S}
  idle_timeout_s: {PATIENCE_S}
  breaker: {{failures: 1000}}
  concurrency: {{start: {SLOTS}}}
outbound: {{keep_alive_s: 0.05}}
server: {{body_timeout_s: 1}}
tracing: {{ship_every_s: 60}}
"""
MODEL = """\
  {name}:
    {{provider: {provider}, id: m, base_url: "{url}/{provider}/v1", key: "file:key",
     price: {{input: 1, output: 2}}}}
"""
FRESH = "fresh"
"""A model for one test alone: none of its calls has failed yet, so that all its slots are there."""

LADDERS = """\
ladders:
  hedged: {hedge_after_ms: 50, rungs: [by-openai, by-anthropic]}
"""


class Bench(msgspec.Struct, frozen=True):
    """The server, the upstream of its models, and what the server held when it had nothing to do.

    `left_at` are the moments at which a client of the upstream hung up, by the question it had asked.
    """

    served: Served
    upstream: Site
    rest: Load
    left_at: dict[bytes, list[float]]

    async def comes_to_rest(self) -> None:
        """Wait until the server holds what it held, and its upstream has no connection."""
        await until_at_rest(self.served, self.rest)

        async def is_left() -> bool:
            return self.upstream.connections == 0

        await until(is_left)

    def visits(self, name: str, provider: Provider) -> int:
        """Return how many requests came that asked for `name`."""
        asked = question(name).encode()
        return sum(asked in visit.body for visit in self.upstream.visits if f" /{provider}/" in visit.head)

    def traces(self, name: str, model: str) -> list[Trace]:
        """Return the traces of those requests to `model`."""
        return traces_of(self.served.project, question(name), f'"feature":"{model}"')


_NUMBERS = {name: number for number, name in enumerate(SAYS)}


def question(name: str) -> str:
    """Return what is to be asked for `name`: the upstream looks for that."""
    return f"<case {_NUMBERS[name]}>"


_BY_QUESTION = {question(name).encode(): says for name, says in SAYS.items()}


@contextmanager
def benched(folder: Path) -> Iterator[Bench]:
    """Serve a project of models for the block."""
    left_at: dict[bytes, list[float]] = {}

    async def answer(visit: Visit) -> None:
        provider = visit.head.split("/")[1]
        is_stream = provider == "gemini" or b'"stream":true' in visit.body.replace(b" ", b"")
        (asked,) = re.findall(rb"<case \d+>", visit.body)
        says = _BY_QUESTION[asked](provider, is_stream)
        await visit.say(*says.pieces)
        if says.then == "stay":
            await visit.until_gone()
            left_at.setdefault(asked, []).append(asyncio.get_running_loop().time())
        if says.then != "listen":
            visit.writer.close()

    with in_thread(site(answer)) as upstream:
        models = [MODEL.format(name=f"by-{one}", provider=one, url=upstream.url) for one in PROVIDERS]
        models.append(MODEL.format(name=FRESH, provider="gemini", url=upstream.url))
        written = "models:\n" + "".join(models) + LADDERS
        with serve_models(folder, written, settings=SETTINGS) as served:
            yield Bench(served, upstream, asyncio.run(_rest(served)), left_at)


async def _rest(served: Served) -> Load:
    """Return what the server holds after its first call."""
    await heard_by_all(served.url, "by-openai", question("a good answer"))

    async def keeps_none() -> bool:
        return not (await load_of(served)).upstream_connections

    await until(keeps_none)
    return await load_of(served)
