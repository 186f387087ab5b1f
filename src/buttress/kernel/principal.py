"""Who asks, and what it is paid for."""

from collections.abc import Mapping

import msgspec

DEFAULT_TENANT = "default"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request comes from: what its key stands for; without keys, nobody in particular.

    `key` is the id of the key, never the key. A `user` that is set is who asks, whatever a request says;
    None: the request says it. `tenants` may be named by a request, `tenant` is the one when it names none.
    None as `features` or `models`: every one may be asked. `tags` are for budgets and reports.
    """

    key: str | None = None
    tenant: str = DEFAULT_TENANT
    tenants: frozenset[str] | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    features: frozenset[str] | None = None
    models: frozenset[str] | None = None
    role: str = "admin"
    tags: Mapping[str, str] = {}


ANYBODY = Principal()
"""Who asks where no keys are asked for: it may do everything, and is believed in whose name it asks."""


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Who and what a call is paid for; `feature` is the name that was asked, `key` the id of a key."""

    tenant: str
    feature: str
    user: str | None = None
    key: str | None = None
    tags: Mapping[str, str] = {}
