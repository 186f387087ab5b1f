"""What is asked in a soak: each way of asking with its weight, as bytes that are sent. Pure."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from buttress.kernel.chance import Chance

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
FEATURE, EMBEDDINGS, RERANK = "/v1/features/support", "/v1/embeddings", "/v1/rerank"

NO_SUCH, RENAMED = "no-such-", "renamed-"
"""How names begin that are never there, and those of the model that is called anew at each reload."""

FINE = frozenset({200})
UNKNOWN = frozenset({404})
FAULTY = frozenset({200, 429, 500, 502, 503, 504})
"""What may come of a model that is at fault: an answer at the second try, or an honest error."""

LARGE_BYTES, TOO_LARGE_BYTES = 900_000, 5_000_000
QUESTIONS = (
    "Can I get my money back?",
    "How many calendars can I connect?",
    "What does it cost to move 40 GB from our own server to Kestrel Cloud?",
    "Where is data stored?",
    "Tell me about xylophones and quuxes.",
)
TOOL = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `name` is what its trace is filed under, empty where none is written.

    With `leave_after` its client hangs up after so many bytes of the answer.
    """

    kind: str
    path: str
    body: bytes
    name: str = ""
    statuses: frozenset[int] = FINE
    leave_after: int | None = None


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a call is made of: its number, chance, and names: of the renamed model, and the engine's."""

    number: int
    chance: Chance
    renamed: str
    embedder: str
    reranker: str

    @property
    def user(self) -> str:
        """A user who asks once only."""
        return f"user-{self.number}"

    @property
    def is_stream(self) -> bool:
        """Whether the answer is streamed: half of them are."""
        return self.chance.fraction() < 0.5

    def among(self, things: Sequence[str]) -> str:
        """Return one of `things`."""
        return things[int(self.chance.fraction() * len(things))]


Make = Callable[[Drawn], Call]


def draw(drawn: Drawn) -> Call:
    """Return the next call, of a kind drawn by its weight."""
    left = drawn.chance.fraction() * sum(MIX.values())
    for make, weight in MIX.items():
        left -= weight
        if left < 0:
            return make(drawn)
    return _plain(drawn)


def chat(drawn: Drawn, model: str, text: str = "", **more: object) -> bytes:
    """Return a chat completion request."""
    messages = [{"role": "user", "content": text or drawn.among(QUESTIONS)}]
    told = {"model": model, "messages": messages, "user": drawn.user, "stream": drawn.is_stream, **more}
    return msgspec.json.encode(told)


def _plain(drawn: Drawn) -> Call:
    model = drawn.among(["fast", "claude", "gem", "quick"])
    return Call(kind="chat", path=CHAT, body=chat(drawn, model), name=model)


def _messages(drawn: Drawn) -> Call:
    model = drawn.among(["fast", "claude", "gem"])
    told = {
        "model": model,
        "max_tokens": 200,
        "messages": [{"role": "user", "content": drawn.among(QUESTIONS)}],
        "stream": drawn.is_stream,
        "metadata": {"user_id": drawn.user},
    }
    return Call(kind="messages", path=MESSAGES, body=msgspec.json.encode(told), name=model)


def _responses(drawn: Drawn) -> Call:
    model = drawn.among(["fast", "claude"])
    told = {"model": model, "input": drawn.among(QUESTIONS), "stream": drawn.is_stream, "user": drawn.user}
    return Call(kind="responses", path=RESPONSES, body=msgspec.json.encode(told), name=model)


def _tools(drawn: Drawn) -> Call:
    model = drawn.among(["fast", "claude", "gem"])
    body = chat(drawn, model, tools=[{"type": "function", "function": TOOL}])
    return Call(kind="tools", path=CHAT, body=body, name=model)


def _unknown_fields(drawn: Drawn) -> Call:
    odd: dict[str, object] = {f"field_{drawn.number}": [1, {"deep": [None] * 20}]}
    body = chat(drawn, "fast", "", **odd)
    return Call(kind="unknown fields", path=CHAT, body=body, name="fast")


def _unknown_model(drawn: Drawn) -> Call:
    path = drawn.among([CHAT, RESPONSES])
    name = f"{NO_SUCH}{drawn.number}"
    field = {"input": "Hi?"} if path == RESPONSES else {"messages": [{"role": "user", "content": "Hi?"}]}
    body = msgspec.json.encode({"model": name, "user": drawn.user, **field})
    return Call(kind="unknown model", path=path, body=body, name=name, statuses=UNKNOWN)


def _unknown_feature(drawn: Drawn) -> Call:
    name = f"{NO_SUCH}{drawn.number}"
    body = msgspec.json.encode({"input": {"question": "Hi?"}, "user": drawn.user})
    path = f"/v1/features/{name}"
    return Call(kind="unknown feature", path=path, body=body, name=name, statuses=UNKNOWN)


def _rules(drawn: Drawn) -> Call:
    return _feature(drawn, "rules", "who are you")


def _quotes(drawn: Drawn) -> Call:
    return _feature(drawn, "quotes", drawn.among(QUESTIONS))


def _feature(drawn: Drawn, kind: str, question: str) -> Call:
    more = {"conversation": drawn.user} if drawn.chance.fraction() < 0.2 else {}
    told = {"input": {"question": question}, "user": drawn.user, "stream": drawn.is_stream, **more}
    return Call(kind=kind, path=FEATURE, body=msgspec.json.encode(told), name="support")


def _feature_by_chat(drawn: Drawn) -> Call:
    body = chat(drawn, "support", "who are you")
    return Call(kind="rules by chat", path=CHAT, body=body, name="support")


def _hang_up(drawn: Drawn) -> Call:
    body = chat(drawn, "drip", stream=True)
    return Call(kind="hangs up", path=CHAT, body=body, name="drip", leave_after=400)


def _at_fault(drawn: Drawn) -> Call:
    model = drawn.among(["limited", "broken", "cut", "stalled", "malformed", "no-done", "erring", "moved"])
    return Call(kind="fault", path=CHAT, body=chat(drawn, model), name=model, statuses=FAULTY)


def _fall_back(drawn: Drawn) -> Call:
    return Call(kind="falls back", path=CHAT, body=chat(drawn, "solid"), name="solid")


def _renamed(drawn: Drawn) -> Call:
    body, name = chat(drawn, drawn.renamed), drawn.renamed
    return Call(kind="renamed", path=CHAT, body=body, name=name, statuses=FINE | UNKNOWN)


def _large(drawn: Drawn) -> Call:
    body = chat(drawn, "fast", "word " * (LARGE_BYTES // 5))
    return Call(kind="large", path=CHAT, body=body, name="fast")


def _too_large(drawn: Drawn) -> Call:
    body = chat(drawn, "fast", "word " * (TOO_LARGE_BYTES // 5))
    return Call(kind="too large", path=CHAT, body=body, statuses=frozenset({413}))


def _no_request(drawn: Drawn) -> Call:
    body = drawn.among(["{", "[]", '{"model": 5}', "[" * 10_000, "\x00"])
    path = drawn.among([CHAT, RESPONSES, MESSAGES])
    return Call(kind="no request", path=path, body=body.encode(), statuses=frozenset({400, 422}))


def _no_route(drawn: Drawn) -> Call:
    return Call(kind="no route", path=f"/v1/no/{drawn.number}", body=b"{}", statuses=UNKNOWN)


def _embed(drawn: Drawn) -> Call:
    told = {"model": drawn.embedder, "input": [drawn.among(QUESTIONS), drawn.user]}
    return Call(kind="embeddings", path=EMBEDDINGS, body=msgspec.json.encode(told))


def _rerank(drawn: Drawn) -> Call:
    documents = [*QUESTIONS, drawn.user]
    told = {"model": drawn.reranker, "query": drawn.among(QUESTIONS), "documents": documents}
    return Call(kind="rerank", path=RERANK, body=msgspec.json.encode(told), name=drawn.reranker)


MIX: Mapping[Make, float] = {
    _plain: 30,
    _messages: 12,
    _responses: 12,
    _tools: 5,
    _unknown_fields: 4,
    _unknown_model: 6,
    _unknown_feature: 2,
    _rules: 5,
    _quotes: 2,
    _feature_by_chat: 3,
    _hang_up: 4,
    _at_fault: 5,
    _fall_back: 3,
    _renamed: 2,
    _large: 0.5,
    _too_large: 0.1,
    _no_request: 2,
    _no_route: 1,
    _embed: 1,
    _rerank: 0.5,
}
"""Each way of asking, and how often it is drawn."""
