"""The OpenAPI document of what a call worker serves: a path for each feature, typed by its input schema."""

from collections.abc import Mapping
from importlib.metadata import version

import msgspec

from buttress.gateway.types import Answer, Event
from buttress.releases.types import Release
from buttress.server.doors.chat_wire import ChatRequest
from buttress.server.doors.embeddings_wire import EmbeddingRequest
from buttress.server.doors.features import Question
from buttress.server.doors.messages_wire import MessagesRequest

Schema = dict[str, object]

_REF = "#/components/schemas/{name}"
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


def openapi(releases: Mapping[str, Release]) -> Schema:
    """Return the document, OpenAPI 3.1, for the features that are served now."""
    types = (Answer, Event, Question, ChatRequest, MessagesRequest, EmbeddingRequest)
    (answer, event, question, chat, messages, embedding), parts = msgspec.json.schema_components(
        types, ref_template=_REF, schema_hook=_any
    )
    features = {
        f"/v1/features/{name}": {"post": _asking(release, question, answer, event)}
        for name, release in sorted(releases.items())
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Buttress", "version": version("buttress")},
        "paths": {
            **features,
            "/v1/chat/completions": {
                "post": _operation("A feature or a model, in OpenAI's chat format", chat)
            },
            "/v1/responses": {"post": _operation("A model, in the format of OpenAI's Responses")},
            "/v1/messages": {"post": _operation("A feature or a model, in Anthropic's format", messages)},
            "/v1/embeddings": {"post": _operation("The vectors of texts, in OpenAI's format", embedding)},
            "/v1/models": {"get": _operation("The names that may be asked")},
            "/healthz": {"get": _operation("Whether the worker lives")},
            "/readyz": {"get": _operation("Whether all processes are ready, or why not")},
            "/metrics": {"get": _operation("Counters of all workers, for Prometheus")},
        },
        "components": {"schemas": {**parts, "Error": _ERROR}},
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


def _operation(summary: str, body: Schema | None = None) -> Schema:
    taken = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}
    return {
        "summary": summary,
        **(taken if body else {}),
        "responses": {"200": {"description": "As asked."}, "default": _failed()},
    }


def _failed() -> Schema:
    schema = {"$ref": _REF.format(name="Error")}
    return {"description": "An error.", "content": {"application/json": {"schema": schema}}}


def _any(_: type) -> Schema:
    """Return the schema of what may be any JSON."""
    return {"description": "Any JSON."}  # msgspec takes an empty one for none
