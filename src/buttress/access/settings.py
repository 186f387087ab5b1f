"""Settings of access."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class IdempotencySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests with an `Idempotency-Key` are answered once."""

    keep_s: Annotated[
        int,
        Meta(ge=60, le=31_536_000, description="Seconds that an answer is kept for who sends its key again."),
    ] = 86_400
    max_answer_bytes: Annotated[
        int,
        Meta(
            ge=0, le=67_108_864, description="Longest answer that is kept; of a longer one only that it was."
        ),
    ] = 4_194_304
    max_tenant_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="So much of answers is kept of each tenant; of the oldest beyond it, only that they "
            "were. The background worker looks once an hour.",
        ),
    ] = 1_073_741_824
    wait_s: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description="Seconds that a request waits for the answer that the first one with its key gets.",
        ),
    ] = 30.0
    store_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            le=60,
            description="Seconds the database has for a key; then the request is refused, without its model.",
        ),
    ] = 1.0
    open_timeout_s: Annotated[
        float, Meta(gt=0, le=300, description="The same while a process opens the database.")
    ] = 5.0
    owner_timeout_s: Annotated[
        float,
        Meta(
            ge=1,
            le=3_600,
            description="Seconds without a word of a process that answers; then it is taken for dead.",
        ),
    ] = 15.0
    after_crash: Annotated[
        Literal["refuse", "repeat"],
        Meta(
            description="What becomes of a key whose process died while it answered: it is refused, so that "
            "nothing is paid for twice; or the next request with it is answered anew."
        ),
    ] = "refuse"


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `access` section of buttress.yaml."""

    key_secret: Annotated[
        str,
        Meta(
            description="What keys are hashed with: env:NAME or file:PATH, at least 32 characters. Empty: a "
            "file in .buttress, made with the first key. Machines that share a database need the same."
        ),
    ] = ""
    idempotency: IdempotencySettings = IdempotencySettings()
