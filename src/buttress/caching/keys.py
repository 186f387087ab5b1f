"""The key of an answer: all that the answer depends on, hashed. Pure.

Who asks is in it only as far as it matters: the tenant always; of the user and the groups those that any
document of the knowledge base is open to. So an answer from documents for everybody is everybody's, and one
from documents of a group is the group's.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from buttress.caching.canonical import canonical
from buttress.caching.types import FORMAT, Key
from buttress.kernel.messages import Message


class Knowledge(msgspec.Struct, frozen=True):
    """A knowledge base as it is now: each change has another `version`; `readers` are all that it names."""

    version: str
    readers: frozenset[str] = frozenset()


class FeatureParts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a feature's answer depends on.

    `release` is its id; `seen_as` are the readers whose documents the asker may see, None where nothing is
    retrieved; `knowledge` is what is searched; `surroundings` name settings and code outside the release.
    """

    tenant: str
    feature: str
    release: str
    input: Mapping[str, object]
    history: tuple[Message, ...] = ()
    seen_as: tuple[str, ...] | None = None
    knowledge: Knowledge | None = None
    surroundings: str = ""


class ModelParts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the answer to a client's request to a model depends on.

    `entry` is what models.yaml says of the model, or the ladder with its models; `fields` is the body, less
    `NOT_ASKED`; `is_stream` and `wants_usage` decide its form on the wire.
    """

    tenant: str
    model: str
    entry: object
    dialect: str
    fields: Mapping[str, object]
    headers: Mapping[str, str] = {}
    is_stream: bool = False
    wants_usage: bool = False


NOT_ASKED = frozenset(
    {
        *("model", "stream", "user", "metadata", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_retention", "store"),
    }
)
"""Fields of requests that change nothing of what a model says: who asks, and what is kept of it elsewhere.
`model`, and how it streams, are parts of their own."""


def feature_key(parts: FeatureParts, *, by_version: bool = True) -> Key:
    """Return the key of an answer; not `by_version`, it outlives changes of the knowledge base.

    Raises:
        ValueError, RecursionError, TypeError: the input has no canonical form.
    """
    told = {"form": FORMAT, "kind": "feature", **_feature(parts, by_version=by_version)}
    return Key(parts.tenant, parts.feature, _digest({**told, "input": parts.input}))


def partition_of(parts: FeatureParts, question: str) -> str:
    """Return the hash of all that an answer depends on, less the property `question` of the input.

    Answers to questions that mean the same may be exchanged within it, and never beyond.

    Raises:
        ValueError, RecursionError, TypeError: the input has no canonical form.
    """
    rest = {name: value for name, value in parts.input.items() if name != question}
    told = {"form": FORMAT, "kind": "meaning", "question": question, **_feature(parts, by_version=True)}
    return _digest({**told, "input": rest})


def model_key(parts: ModelParts) -> Key:
    """Return the key of the answer of a model that is asked by its name.

    Raises:
        ValueError, RecursionError, TypeError: the request has no canonical form.
    """
    fields = {name: value for name, value in parts.fields.items() if name not in NOT_ASKED}
    told = {"form": FORMAT, "kind": "model", **msgspec.structs.asdict(parts), "fields": fields}
    return Key(parts.tenant, parts.model, _digest(told))


def _feature(parts: FeatureParts, *, by_version: bool) -> dict[str, object]:
    knowledge = parts.knowledge
    return {
        "tenant": parts.tenant,
        "feature": parts.feature,
        "release": parts.release,
        "history": parts.history,
        "seen_as": None if parts.seen_as is None else _who_matters(parts.seen_as, knowledge),
        "knowledge": knowledge.version if knowledge and by_version else None,
        "surroundings": parts.surroundings,
    }


def _who_matters(seen_as: Sequence[str], knowledge: Knowledge | None) -> list[str]:
    """Return the readers that decide what is found; all of them where it is not known who is named.

    In ASCII: two names that Unicode calls the same are two readers, as they are to the documents.
    """
    return sorted(map(ascii, set(seen_as) & knowledge.readers if knowledge else set(seen_as)))


def _digest(told: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical(told)).hexdigest()
