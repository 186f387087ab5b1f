"""Settings of guardrails."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]


class RelevanceThresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on a passage has to do with a question: near, or less near with enough common words."""

    cosine: Annotated[
        float, Meta(ge=-1, le=1, description="Cosine from which a passage is relevant by itself.")
    ] = 0.40
    cosine_with_words: Annotated[
        float, Meta(ge=-1, le=1, description="Cosine from which one that covers the words is relevant.")
    ] = 0.30
    coverage: Annotated[
        Share, Meta(description="Share of the question's words a passage must cover for the lower cosine.")
    ] = 0.5


class GuardrailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `guardrails` section of buttress.yaml."""

    relevance: RelevanceThresholds = RelevanceThresholds()
    content_share: Annotated[
        Share, Meta(description="Share of a sentence's words that its passage must hold to support it.")
    ] = 0.5
