"""The tree of settings."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from buttress.access.settings import AccessSettings
from buttress.caching.settings import CachingSettings
from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.located import Keys
from buttress.knowledge.settings import (
    EmbedderSettings,
    EngineSettings,
    IngestSettings,
    ParserSettings,
    RerankerSettings,
    SourceSettings,
)
from buttress.models.settings import ModelSettings
from buttress.outbound.settings import OutboundSettings
from buttress.prompts.settings import PromptSettings
from buttress.releases.settings import ReleaseSettings
from buttress.spend.settings import SpendSettings
from buttress.storage.settings import StorageSettings
from buttress.tracing.settings import TracingSettings
from buttress.watch.settings import WatchSettings


class KnowledgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `knowledge` section of buttress.yaml."""

    parsing: ParserSettings = ParserSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    reranker: RerankerSettings = RerankerSettings()
    engine: EngineSettings = EngineSettings()
    sources: SourceSettings = SourceSettings()
    ingest: IngestSettings = IngestSettings()


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `server` section of buttress.yaml."""

    host: Annotated[
        str, Meta(min_length=1, description="Address to listen on; 127.0.0.1 is this machine only.")
    ] = "127.0.0.1"
    keys: Annotated[
        Literal["auto", "always", "never"],
        Meta(
            description="Whether requests need a key. `auto`: where other machines reach the port, and on an "
            "address of this machine as soon as a key was made. `never`: only on an address of this "
            "machine; whoever reaches it may ask in the name of every tenant, user and group."
        ),
    ] = "auto"
    allowed_hosts: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=253)], ...],
        Meta(
            description="Names, without a port, by which clients may ask besides localhost and addresses, as "
            "behind a proxy that hands on its own. Others are refused: else a web page elsewhere could reach "
            "the server through a visitor's browser. Empty: from other machines any name is taken."
        ),
    ] = ()
    port: Annotated[int, Meta(ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")] = 8700
    workers: Annotated[int, Meta(ge=1, le=64, description="Call workers, one process each.")] = 1
    drills: Annotated[
        bool,
        Meta(
            description="The demo page has buttons that break things for real: kill the local model, slow "
            "down or cut an answer. Whoever reaches the port may press them."
        ),
    ] = False
    max_body_bytes: Annotated[int, Meta(ge=1_024, description="Longest body of a request.")] = 4_194_304
    max_requests: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Requests that one worker has under way at a time; more are told to come back.",
        ),
    ] = 2_048
    head_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds that a request line and its headers may take to arrive.")
    ] = 10.0
    body_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds that the body of a request may take to arrive.")
    ] = 60.0
    send_timeout_s: Annotated[
        float,
        Meta(gt=0, description="Seconds that a client may leave its answer unread; then it is hung up on."),
    ] = 60.0
    drain_s: Annotated[
        float, Meta(ge=0, description="Seconds that running answers get to finish when the server stops.")
    ] = 20.0


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `processes` section of buttress.yaml."""

    ready_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds a process has to say that it is ready.")
    ] = 30.0
    stop_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds all processes have to stop; what still runs then is killed.")
    ] = 25.0
    hang_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds a process that was ready may say nothing, not even that it lives, which it "
            "does once a second; then it is killed and started again. At least 3; 0 for never.",
        ),
    ] = 30.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting there is, a section for each room."""

    storage: StorageSettings = StorageSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    prompts: PromptSettings = PromptSettings()
    models: ModelSettings = ModelSettings()
    releases: ReleaseSettings = ReleaseSettings()
    outbound: OutboundSettings = OutboundSettings()
    guardrails: GuardrailSettings = GuardrailSettings()
    caching: CachingSettings = CachingSettings()
    spend: SpendSettings = SpendSettings()
    tracing: TracingSettings = TracingSettings()
    watch: WatchSettings = WatchSettings()
    access: AccessSettings = AccessSettings()
    server: ServerSettings = ServerSettings()
    processes: ProcessSettings = ProcessSettings()


def setting_keys(kind: type[msgspec.Struct] = Settings, above: Keys = ()) -> Iterator[tuple[Keys, FieldInfo]]:
    """Yield the keys and the field of every single setting, in the order of the tree."""
    for field in msgspec.structs.fields(kind):
        keys = (*above, field.encode_name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from setting_keys(field.type, keys)
        else:
            yield keys, field
