"""What can be set about storage."""

from typing import Annotated

import msgspec
from msgspec import Meta


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `storage` section of `buttress.yaml`."""

    database_url: Annotated[
        str,
        Meta(
            description="PostgreSQL URL without a password, or a reference to one with it (`env:NAME`, "
            "`file:PATH`). Empty: a server of our own in `.buttress/postgres`."
        ),
    ] = ""
    pool_size: Annotated[
        int, Meta(ge=1, le=200, description="Connections a process lends out at the same time.")
    ] = 8
    pool_timeout_s: Annotated[
        float, Meta(gt=0, le=300, description="How long to wait until one of them is free.")
    ] = 5.0
    connect_timeout_s: Annotated[
        float, Meta(gt=0, le=300, description="How long to wait for a new connection.")
    ] = 5.0
    statement_timeout_s: Annotated[
        float, Meta(ge=0, le=86_400, description="A statement that runs longer is ended; 0: never.")
    ] = 30.0
    idle_timeout_s: Annotated[
        float, Meta(gt=0, le=86_400, description="A connection unused for longer is not used again.")
    ] = 300.0
    start_timeout_s: Annotated[
        float, Meta(gt=0, le=3_600, description="How long our own server may take to start or to recover.")
    ] = 60.0
    shared_buffers_mb: Annotated[
        int, Meta(ge=1, le=65_536, description="Memory our own server keeps for pages, in megabytes.")
    ] = 64
    max_connections: Annotated[
        int, Meta(ge=5, le=1_000, description="Connections our own server takes, of all processes.")
    ] = 60
