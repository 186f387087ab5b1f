"""The noun of tracing."""

from datetime import datetime
from typing import Literal

import msgspec

from buttress.kernel.ids import ReleaseId, TraceId
from buttress.kernel.spans import Span
from buttress.kernel.usage import NanoDollars, Usage

Outcome = Literal["answered", "fallback", "refused", "failed", "cancelled", "lost"]

PROCESS_DIED = "tracing.process_died"
"""Why a call is lost."""


Kind = Literal["feature", "model", "summary"]
"""What was asked by its name: a feature; or a model, or a ladder of models. A summary of a conversation is
asked for by Buttress itself, behind a call of the feature."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened in one call.

    `feature` is the name that was asked; `kind` says of what. `key_id` is the key by which was asked, `tags`
    are its tags. `outcome` is how it ended for the user: `answered` as asked, `fallback` with an honest
    substitute, `refused` before any work, `failed` with an error, `cancelled` because nobody waited any more
    (its client hung up; with an `error_code` for what that says: the server stopped), `lost` when its process
    died in the middle: then it is known that it began, and neither its length (0) nor its usage.
    `cost` None means unknown, never free. `attempts`, `citations` and `passages` are JSON objects in the
    shape that `--json` prints. `support` counts sentences by what they stand on; `withheld` are sentences
    that were not released, each with its `text` and the `reason`.
    """

    kind: Kind = "feature"
    trace_id: TraceId
    tenant: str
    feature: str
    release_id: ReleaseId | None
    user_id: str | None
    key_id: str | None = None
    tags: dict[str, str] = {}
    started_at: datetime
    duration_ms: float
    outcome: Outcome
    error_code: str | None = None
    model: str | None = None
    input: dict[str, object] = msgspec.field(default_factory=dict)
    answer: str = ""
    citations: list[dict[str, object]] = msgspec.field(default_factory=list)
    support: dict[str, int] = msgspec.field(default_factory=dict)
    withheld: list[dict[str, object]] = msgspec.field(default_factory=list)
    passages: list[dict[str, object]] = msgspec.field(default_factory=list)
    spans: list[Span] = msgspec.field(default_factory=list)
    attempts: list[dict[str, object]] = msgspec.field(default_factory=list)
    usage: Usage = Usage()
    cost_nanodollars: NanoDollars | None = None

    def without_content(self) -> "Trace":
        """Return the trace with what people and documents said left out: figures and ids stay."""
        return msgspec.structs.replace(self, input={}, answer="", citations=[], passages=[], withheld=[])
