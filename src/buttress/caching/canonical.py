"""One form for each value: what means the same is the same bytes, and nothing else is. Pure.

After RFC 8785 (JSON Canonicalization Scheme): keys sorted, no blanks, the shortest form of a number. Unlike
it, whole numbers of any size stay exact: two of them beyond 2^53 are two values, and must not be one key.
Texts are compared in Unicode's composed form (NFC): the standard calls the other forms the same text.
"""

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence

import msgspec


def canonical(value: object) -> bytes:
    """Return the one form of `value`, which may be anything that msgspec can encode.

    Raises:
        ValueError: it holds a number that is none (NaN), or an infinite one.
        RecursionError: it nests too deep.
        TypeError: it has no form in JSON.
    """
    plain = _plain(msgspec.to_builtins(value))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def read_strictly(data: bytes) -> object:
    """Return the value of JSON text that can be read in one way alone.

    Of a name that an object has twice, one reader takes the first value and another one the last: two texts
    that a model takes for different ones must not become the same value here.

    Raises:
        ValueError: it is no such text, or holds what JSON has no number for.
        RecursionError: it nests too deep.
    """
    return _STRICT.decode(data.decode())


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _refused(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refused)


def _plain(value: object) -> object:
    match value:
        case str():
            return value if value.isascii() else unicodedata.normalize("NFC", value)
        case float() if math.isfinite(value) and value.is_integer():
            return int(value)
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
