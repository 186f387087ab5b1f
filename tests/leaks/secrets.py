"""Texts that nobody may see but those they are for: made, and found again in whatever came back."""

import re
from typing import Literal

import msgspec

from buttress.kernel.scope import Scope, scope_for

CANARY = re.compile(r"cny[0-9a-f]{12}|tr_[0-9a-f]{32}")
"""What is looked for: the words that were planted, and the ids of traces."""


GROUPS = ((), ("staff",), ("staff", "board"), ("user:ada",), ("*",))
"""The sets of groups in which everybody asks at some time."""

Sight = Literal["own", "user", "tenant"]
"""For whom is read: the asker, in the groups of just now; the user, who was told things in other groups, too;
or the tenant, all of whose calls its people may look at."""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of a tenant."""

    tenant: str
    user: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """What they may see of documents."""
        return scope_for(self.tenant, self.user, self.groups)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Who may see a secret: of its tenant those among `readers`, or that `user`; None: all of them."""

    tenant: str
    readers: frozenset[str] | None = None
    user: str | None = None

    def allows(self, asker: Asker) -> bool:
        """Say whether `asker` may see it."""
        if asker.tenant != self.tenant:
            return False
        if self.readers is not None:
            return not self.readers.isdisjoint(asker.scope.visible_to)
        return self.user is None or self.user == (asker.user or "")


class Secrets:
    """All secrets of a world, by their texts."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}

    def plant(self, rule: Rule) -> str:
        """Return a new word under `rule`."""
        word = f"cny{len(self.rules):012x}"
        self.rules[word] = rule
        return word

    def learn(self, trace_id: str, tenant: str) -> None:
        """Note whose call a trace is of; what is known already stays."""
        self.rules.setdefault(trace_id, Rule(tenant=tenant))

    def shows_own(self, said: str, asker: Asker) -> bool:
        """Say whether a word in `said` is a secret that `asker` may see: then there was something to read."""
        found = {one for one in CANARY.findall(said) if one.startswith("cny")}
        return any(self.rules[one].allows(asker) for one in found & self.rules.keys())

    def leaked(self, said: str, asker: Asker, sight: Sight = "own") -> set[str]:
        """Return the secrets in `said` that `asker` may not see, reading with that `sight`."""
        found = self.rules.keys() & set(CANARY.findall(said))
        return {one for one in found if not self._may_see(self.rules[one], asker, sight)}

    def _may_see(self, rule: Rule, asker: Asker, sight: Sight) -> bool:
        if sight == "tenant":
            return rule.tenant == asker.tenant
        if sight == "user":
            return any(rule.allows(msgspec.structs.replace(asker, groups=groups)) for groups in GROUPS)
        return rule.allows(asker)
