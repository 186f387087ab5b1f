"""References to secrets: `env:NAME` or `file:PATH`. The secret itself is never in a file of the project."""

import re

import msgspec

_REFERENCE = re.compile(r"^(?P<kind>env|file):(?P<name>\S.*)$")
_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/@:\s]*:)(?P<password>[^/\s]*)(?=@)", re.IGNORECASE)
_PASSWORD_KEY = re.compile(r"(?P<before>\b(?:ssl)?password\s*=\s*)(?:'[^']*'|[^&\s]+)", re.IGNORECASE)


class SecretReference(msgspec.Struct, frozen=True):
    """Where a secret is to be found: an environment variable's name, or a file's path."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def parse_reference(text: str) -> SecretReference | None:
    """Return the reference that `text` is, None when it is something else (perhaps the secret itself)."""
    found = _REFERENCE.match(text.strip())
    return SecretReference(found["kind"], found["name"]) if found else None


def mask_password(url: str) -> str:
    """Return `url` (or a libpq text of `key=value`) with the password in it, if any, replaced by `***`."""
    return _PASSWORD_KEY.sub(r"\g<before>***", _PASSWORD.sub(r"\g<before>***", url))


def has_password(url: str) -> bool:
    """Say whether a password stands in `url`."""
    return mask_password(url) != url
