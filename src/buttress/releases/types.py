"""The nouns of releases: what a feature is once it is compiled."""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.kernel.cached import CachePolicy
from buttress.kernel.catalogue import Ladder, Model
from buttress.kernel.ids import ReleaseId, hash_of
from buttress.kernel.usage import NanoDollars

QUESTION = "{{ question }}"
"""The template of what is looked up or searched for, when a stage names none."""


class TableRule(msgspec.Struct, frozen=True, tag_field="kind", tag="table"):
    """Questions with one right answer. `answers` is by normalised question (`rules.normalise`)."""

    file: str
    answers: dict[str, str]


class RegexRule(msgspec.Struct, frozen=True, tag_field="kind", tag="regex"):
    """A pattern in RE2's syntax, searched for anywhere; `{{ name }}` in `answer` is its group `name`."""

    pattern: str
    answer: str


class FunctionRule(msgspec.Struct, frozen=True, tag_field="kind", tag="function"):
    """A Python function of the feature's folder; `sha256` is of the file it was compiled from."""

    file: str
    function: str
    sha256: str


Rule = TableRule | RegexRule | FunctionRule


class RulesStage(msgspec.Struct, frozen=True, tag_field="kind", tag="rules", kw_only=True):
    """Answers that need no model: the first rule that has one gives it.

    `match` is the template of the text that tables and patterns look at; functions get the whole input.
    """

    name: str
    rules: tuple[Rule, ...]
    match: str = QUESTION


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on a passage is relevant: by `cosine` alone, or a lower one with enough common words."""

    cosine: Annotated[float, Meta(ge=-1, le=1)]
    cosine_with_words: Annotated[float, Meta(ge=-1, le=1)]
    coverage: Annotated[float, Meta(ge=0, le=1)]


class RetrieveStage(msgspec.Struct, frozen=True, tag_field="kind", tag="retrieve", kw_only=True):
    """Passages of one knowledge base, at most `limit`; `thresholds` None means those of the settings."""

    name: str
    knowledge: str
    query: str = QUESTION
    limit: int = 6
    thresholds: Thresholds | None = None


Unsupported = Literal["withhold", "mark"]
"""What happens to a sentence that does not hold: it is not released, or released with its state."""


class GenerateStage(msgspec.Struct, frozen=True, tag_field="kind", tag="generate", kw_only=True):
    """An answer written by the first model of `ladder` that gives one.

    `prompt` is a key of `Release.prompts`; `ladder` one of `Release.ladders`, also when it is a single model.
    `unsupported` says what happens to a sentence that no passage bears out, where passages were retrieved.
    """

    name: str
    prompt: str
    ladder: str
    max_tokens: int
    temperature: float = 0.0
    unsupported: Unsupported = "withhold"


class MapStage(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="map"):
    """An answer from all of a long text: a prompt for each piece of it, another one to merge what they gave.

    The text is the property `text` of the input; or, with `knowledge`, the document of that knowledge base
    that the property `document` names by its path or its id. A piece has at most `piece_tokens`, and
    `parallel` of them are asked about at once. `max_tokens` bounds each answer, the merged one too.
    """

    name: str
    ladder: str
    prompt: str
    merge: str
    text: str = ""
    knowledge: str = ""
    document: str = ""
    max_tokens: int
    temperature: float = 0.0
    piece_tokens: int = 6_000
    parallel: int = 4


WritingStage = GenerateStage | MapStage
"""A stage that asks models, by a ladder."""

Stage = RulesStage | RetrieveStage | WritingStage


class FallbackText(msgspec.Struct, frozen=True, tag_field="kind", tag="text"):
    """Say this, when there is no answer."""

    text: str


class FallbackPassages(msgspec.Struct, frozen=True, tag_field="kind", tag="passages"):
    """Say this, and quote the closest passages below it, at most `limit`."""

    text: str
    limit: int = 3


Fallback = FallbackText | FallbackPassages


SystemMessages = Literal["refuse", "ignore"]
"""What becomes of a chat client's system message; it is never joined with the feature's own prompt."""


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """How messages of a chat client become the input.

    The last turn of the user is the property `question`; the turns before it are the history.
    """

    question: str
    system: SystemMessages = "refuse"


class LatencyBudget(msgspec.Struct, frozen=True, kw_only=True):
    """How long a call may take, in milliseconds from its beginning, until its first token and in all.

    A model that would be later is not waited for: the answer is the fallback, or ends where it is.
    """

    first_token_ms: int | None = None
    total_ms: int | None = None


class CostTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What an interaction should cost on average, in nano-dollars; nothing is refused for it, it is told."""

    per_interaction: NanoDollars


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One feature, compiled: everything an answer depends on, and never changed.

    `chat` None: its input is more than a question. `cache` None: its answers are not kept. `prompts` are the
    texts of the prompt files. `models` and `ladders` hold what the stages use, and no more. `files` tells
    what it was compiled from, apart from feature.yaml: path within the feature's folder to `file_sha256`; it
    is for people. Neither that nor `cost` is part of the identity: no answer depends on it.
    """

    feature: str
    description: str
    input_schema: dict[str, object]
    stages: tuple[Stage, ...]
    fallback: Fallback
    chat: Chat | None = None
    latency: LatencyBudget | None = None
    cost: CostTarget | None = None
    cache: CachePolicy | None = None
    prompts: dict[str, str] = {}
    models: dict[str, Model] = {}
    ladders: dict[str, Ladder] = {}
    files: dict[str, str] = {}
    release_id: ReleaseId = ReleaseId("")

    @property
    def knowledge(self) -> str | None:
        """The knowledge base that answers come from, None without one."""
        looking = (stage.knowledge for stage in self.stages if isinstance(stage, RetrieveStage | MapStage))
        return next((name for name in looking if name), None)

    def models_of(self, stage: WritingStage) -> tuple[Model, ...]:
        """Return the models that `stage` may use, rung by rung."""
        return tuple(self.models[name] for name in self.ladders[stage.ladder].names)


def file_sha256(data: bytes) -> str:
    """Return the SHA-256 of a file of a feature; how a checkout ends its lines does not count."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def identified(release: Release) -> Release:
    """Return `release` under the id of its content: `rel_` and 16 hexadecimal digits.

    Equal content has one id, wherever its files are and however they are written.
    """
    content = msgspec.structs.replace(release, release_id=ReleaseId(""), files={}, cost=None)
    return msgspec.structs.replace(release, release_id=ReleaseId(f"rel_{hash_of(content)[:16]}"))
