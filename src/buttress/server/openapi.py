"""The OpenAPI document of what a call worker serves: a path for each feature, typed by its input schema."""

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from buttress.access.issuing import Wanted
from buttress.gateway.types import Answer, Event
from buttress.releases.types import Release
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client
from buttress.server.doors.embeddings_wire import EmbeddingRequest
from buttress.server.doors.features import Question
from buttress.server.doors.keys import Rotation
from buttress.server.doors.money import Accounts, Look, Spending
from buttress.server.doors.posed import Name
from buttress.server.doors.rerank_wire import RerankRequest
from buttress.tracing import spending

Schema = dict[str, object]

_REF = "#/components/schemas/{name}"
_CLIENTS = {"Chat": CHAT, "Messages": MESSAGES, "Responses": RESPONSES}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string", "description": "Stable; see docs/reference/errors.md."},
                "message": {"type": "string"},
                "hint": {"type": "string", "description": "What to do about it."},
                "retryable": {"type": "boolean"},
                "data": {"type": "object"},
            },
        }
    },
}

_MODEL_NAME: Schema = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
_KEY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
"""How a key may be sent, where one is asked for."""

_KEY_ID: Schema = {
    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
}


def openapi(releases: Mapping[str, Release]) -> Schema:
    """Return the document, OpenAPI 3.1, for the features that are served now."""
    types = (Answer, Event, Question, EmbeddingRequest, RerankRequest, Wanted, Rotation, Accounts, Spending)
    schemas, parts = msgspec.json.schema_components(types, ref_template=_REF, schema_hook=_any)
    answer, event, question, embedding, rerank, wanted, rotation, accounts, spent = schemas
    for name, client in _CLIENTS.items():
        parts |= _request(name, client)
    features = {
        f"/v1/features/{name}": {"post": _asking(release, question, answer, event)}
        for name, release in sorted(releases.items())
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Buttress", "version": version("buttress")},
        "paths": {
            **features,
            "/v1/chat/completions": {"post": _asking_in("OpenAI's chat completions", "Chat")},
            "/v1/responses": {"post": _asking_in("OpenAI's Responses", "Responses")},
            "/v1/messages": {"post": _asking_in("Anthropic's Messages", "Messages")},
            "/v1/embeddings": {"post": _operation("The vectors of texts, in OpenAI's format", embedding)},
            "/v1/rerank": {"post": _operation("Documents by how well they answer a question", rerank)},
            "/v1/models": {"get": _operation("The names that may be asked")},
            "/v1/models/{model}": {"get": _operation("One of them") | {"parameters": [_MODEL_NAME]}},
            "/api/alerts": {"get": _operation("The newest alerts and their deliveries; for admins")},
            "/api/budgets": {"get": _looked_up("How each account of the budgets stands", Look, accounts)},
            "/api/spend": {"get": _looked_up("What calls cost", spending.Wanted, spent)},
            "/api/keys": {
                "get": _operation("The keys there are; for admins, as all of these"),
                "post": _operation("Make a key; it is in this answer only", wanted),
            },
            "/api/keys/{id}": {"get": _operation("One key") | _KEY_ID},
            "/api/keys/{id}/rotate": {"post": _operation("Give it another secret", rotation) | _KEY_ID},
            "/api/keys/{id}/revoke": {"post": _operation("End it at once") | _KEY_ID},
            "/healthz": {"get": _operation("Whether the worker lives")},
            "/readyz": {"get": _operation("Whether all processes are ready, or why not")},
            "/metrics": {"get": _operation("Counters of all workers, for Prometheus")},
        },
        "components": {"schemas": {**parts, "Error": _ERROR}, "securitySchemes": _KEY},
        "security": [{}, {"bearer": []}, {"header": []}],
    }


def _asking(release: Release, question: Schema, answer: Schema, event: Schema) -> Schema:
    body: Schema = {"allOf": [question, {"properties": {"input": release.input_schema}}]}
    return _operation(release.description or f"Ask {release.feature}", body) | {
        "operationId": f"ask_{release.feature}",
        "responses": {
            "200": {
                "description": "The answer; with `stream` its events, each with its kind as `event:`.",
                "content": {
                    "application/json": {"schema": answer},
                    "text/event-stream": {"schema": event},
                },
            },
            "default": _failed(),
        },
    }


def _request(prefix: str, client: Client) -> dict[str, Schema]:
    """Return the schema `PREFIXRequest` of what the clients of a dialect send, with all that it refers to."""
    fields = {**client.types, **client.who, "conversation": Name}
    needed = ("model", client.turns)
    left_out = [(name, kind, msgspec.UNSET) for name, kind in fields.items() if name not in needed]
    request = msgspec.defstruct("Request", [*((name, fields[name]) for name in needed), *left_out])
    ref = _REF.format(name=prefix + "{name}")
    _, parts = msgspec.json.schema_components((request,), ref_template=ref, schema_hook=_any)
    return {prefix + name: part for name, part in parts.items()}


def _asking_in(format_: str, prefix: str) -> Schema:
    body: Schema = {"$ref": _REF.format(name=f"{prefix}Request")}
    return _operation(f"A feature or a model, in the format of {format_}", body)


def _operation(summary: str, body: Schema | None = None) -> Schema:
    taken = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}
    return {
        "summary": summary,
        **(taken if body else {}),
        "responses": {"200": {"description": "As asked."}, "default": _failed()},
    }


def _looked_up(summary: str, query: type, answer: Schema) -> Schema:
    """Return what answers a query, described by the struct that it is read into."""
    _, parts = msgspec.json.schema_components((query,))
    described = msgspec.convert(parts[query.__name__], _Described)
    parameters = [
        {"name": name, "in": "query", "schema": schema} for name, schema in described.properties.items()
    ]
    found: Schema = {"description": "As asked.", "content": {"application/json": {"schema": answer}}}
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": found, "default": _failed()},
    }


class _Described(msgspec.Struct):
    properties: dict[str, Schema]


def _failed() -> Schema:
    schema = {"$ref": _REF.format(name="Error")}
    return {"description": "An error.", "content": {"application/json": {"schema": schema}}}


def _any(_: type) -> Schema:
    """Return the schema of what may be any JSON."""
    return {"description": "Any JSON."}  # msgspec takes an empty one for none
