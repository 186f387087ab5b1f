"""What a call touches, made of real things: an engine on the ingested project, releases written out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec

from buttress.gateway.answer import answer
from buttress.gateway.call import Call
from buttress.gateway.ports import Ports
from buttress.gateway.types import (
    Admitted,
    Asked,
    Began,
    Chosen,
    Cited,
    Composed,
    Ended,
    Event,
    Inspected,
    Recalled,
    Retrieved,
    Ruled,
    Text,
)
from buttress.kernel.catalogue import Model, Price, plain_ladder
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.messages import Grounding, Message, ModelRequest
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope
from buttress.prompts.types import Exchange, Summarise, Turns, Whose
from buttress.releases.types import (
    FallbackPassages,
    GenerateStage,
    Release,
    RetrieveStage,
    RulesStage,
    TableRule,
    identified,
)
from buttress.testing import passages
from buttress.tracing.types import Trace

Tune = Callable[..., Ports]
"""Returns the ports of a world with some of them replaced."""

QUOTES = Model(name="quotes", provider="extractive", price=Price(input=0.0, output=0.0))
PRICE = Price(input=1.0, output=2.0)
WHO = RulesStage(name="known", rules=(TableRule("known.csv", {"who are you": "I answer from documents."}),))
FIND = RetrieveStage(name="find", knowledge="docs")
WRITE = GenerateStage(name="write", prompt="answer.md", ladder="answers", max_tokens=200)
PROMPT = "# system\n\nAnswer.\n\n# user\n\n{{ passages }}\n\nQuestion: {{ question }}\n"
NO_ANSWER = "I could not find that."


class World(msgspec.Struct):
    """The ports of a call, and the traces and turns that were recorded through them.

    `begun` are the traces that calls would have had if their process had died.
    """

    ports: Ports
    begun: list[Trace]
    traces: list[Trace]
    memory: "Remembering"


class Remembering:
    """A `gateway.ports.Memory` in memory; with an `error`, one that is away."""

    def __init__(self) -> None:
        self.kept: dict[Whose, list[Exchange]] = {}
        self.error: ButtressError | None = None
        self.summarise: Summarise | None = None

    async def turns(self, whose: Whose, question: str = "") -> Turns:
        """See `Memory.turns`."""
        del question
        if self.error:
            raise self.error
        said = self.kept.get(whose, [])
        return Turns(
            tuple(
                one for ex in said for one in (Message("user", ex.question), Message("assistant", ex.answer))
            )
        )

    def append(self, whose: Whose, exchange: Exchange, summarise: Summarise | None = None) -> None:
        """See `Memory.append`."""
        self.summarise = summarise
        self.kept.setdefault(whose, []).append(exchange)


def a_model(url: str, name: str = "writer", price: Price | None = PRICE) -> Model:
    """Return a model behind the chat completions at `url`."""
    return Model(name=name, provider="openai", id="scripted", base_url=url, price=price)


def a_release(*models: Model, **changes: object) -> Release:
    """Return the release `support`, of rules, retrieval and `models` as its ladder (extractive if none)."""
    ladder = models or (QUOTES,)
    release = Release(
        feature="support",
        description="Answers questions.",
        input_schema={
            "type": "object",
            "properties": {"question": {"type": "string", "minLength": 1}},
            "required": ["question"],
            "additionalProperties": False,
        },
        stages=(WHO, FIND, WRITE),
        fallback=FallbackPassages(NO_ANSWER, 2),
        prompts={"answer.md": PROMPT},
        models={model.name: model for model in ladder},
        ladders={"answers": plain_ladder(*(model.name for model in ladder))},
    )
    return identified(msgspec.structs.replace(release, **changes))


def with_release(world: World, release: Release) -> Ports:
    """Return the ports of a world whose only feature is `release`."""
    return msgspec.structs.replace(world.ports, releases={release.feature: release})


def asked(question: object = "What happens when nothing fits?", **who: object) -> Asked:
    """Return a question to `support`; `who` may name the tenant, the user, the groups."""
    return msgspec.structs.replace(Asked(feature="support", input={"question": question}), **who)


async def events_of(question: Asked, ports: Ports) -> list[Event]:
    """Return every event of the answer to `question`."""
    async with aclosing(answer(question, ports)) as events:
        return [event async for event in events]


async def ended(question: Asked, world: World, ports: Ports | None = None) -> Ended:
    """Ask, hold the events and the trace to what is promised of them, and return the last event."""
    before = len(world.traces)
    events = await events_of(question, ports or world.ports)
    end = events[-1]
    assert isinstance(end, Ended)
    assert isinstance(events[0], Began)
    assert [type(one) for one in events if isinstance(one, Began | Ended)] == [Began, Ended]
    assert "".join(one.text for one in events if isinstance(one, Text)) == end.answer.text
    assert tuple(one.citation for one in events if isinstance(one, Cited)) == end.answer.citations
    (trace,) = world.traces[before:]
    assert (trace.trace_id, trace.outcome, trace.answer) == (
        events[0].trace_id,
        end.answer.outcome,
        end.answer.text,
    )
    assert (trace.usage, trace.cost_nanodollars, trace.model) == (
        end.answer.usage,
        end.answer.cost_nanodollars,
        end.answer.model,
    )
    assert all(span.duration_ms is not None for span in trace.spans)
    return end


def admitted(question: Asked, scope: Scope | None = None) -> Admitted:
    """Return `question`, admitted."""
    return Admitted(question, scope or Scope(question.tenant))


def inspected(release: Release, values: Mapping[str, object], scope: Scope | None = None) -> Inspected:
    """Return a question with the input `values`, ready for the rules of `release`."""
    question = asked()
    return Inspected(Chosen(admitted(question, scope), release), dict(values))


def recalled(release: Release, question: str, scope: Scope | None = None) -> Recalled:
    """Return a question that no rule and no earlier answer answered."""
    return Recalled(Ruled(inspected(release, {"question": question}, scope)))


def retrieved(release: Release, question: str, passages: Sequence[Passage] = ()) -> Retrieved:
    """Return a question with `passages` found for it."""
    return Retrieved(recalled(release, question), tuple(passages))


def composed(release: Release, passages: Sequence[Passage], question: str = "What?") -> Composed:
    """Return something to send that stands on `passages`."""
    stage = next(stage for stage in release.stages if isinstance(stage, GenerateStage))
    grounding = Grounding(question, tuple(passages))
    request = ModelRequest(messages=(), max_tokens=stage.max_tokens, grounding=grounding)
    return Composed(retrieved(release, question, passages), stage, request, tuple(passages))


def a_call(ports: Ports, question: Asked | None = None) -> Call:
    """Return a call that has just begun."""
    return Call(question or asked(), ports)


def a_passage(text: str, number: int = 1, **changes: object) -> Passage:
    """Return a passage of the document `page-NUMBER.md` that holds `text` from its beginning."""
    named = {
        "chunk_id": ChunkId(f"chunk-{number}"),
        "document_id": DocumentId(f"document-{number}"),
        "document": f"page-{number}.md",
        "section": ("A page",),
        "cosine": 0.9,
    }
    return passages.a_passage(text, **(named | changes))
