"""The template engine, with everything taken out that is not needed.

Jinja in its immutable sandbox, and more is gone: no functions, no methods, no attributes of Python objects,
no filters that make more out of little. Templates are written by the team, but rendered with what anybody
sends, in a process that serves others.
"""

from collections.abc import Mapping
from functools import lru_cache

import jinja2
import msgspec
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from buttress.prompts.errors import PromptUnrenderable
from buttress.prompts.marks import MarkedValue, MarkedValues

MAX_RENDERED_CHARACTERS = 2_000_000

_TAKEN_OVER = """abs capitalize count d default dictsort first float int items last length list lower map
    max min reject rejectattr reverse select selectattr sort string sum title trim truncate unique upper
    wordcount"""

_LOOP = frozenset("index index0 revindex revindex0 first last length previtem nextitem".split())  # noqa: SIM905

FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template may raise with values that it was not made for."""


class _TooMuch(ValueError):
    """A text would become longer than allowed."""

    def __init__(self) -> None:
        super().__init__(f"it becomes longer than {MAX_RENDERED_CHARACTERS:,} characters")


def _printed(value: object) -> object:
    """Return what a value is printed as: nothing for None, JSON for lists, objects and booleans."""
    if value is None:
        return ""
    if isinstance(value, MarkedValue | MarkedValues):
        return str(value)
    return _json(value) if isinstance(value, bool | list | dict | tuple) else value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _join(values: object, separator: str = "", attribute: str | None = None) -> str:
    items = values if isinstance(values, list | tuple) else list(_iterable(values))
    texts = [str(_printed(_attribute(item, attribute))) for item in items]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_RENDERED_CHARACTERS:
        raise _TooMuch
    return separator.join(texts)


def _iterable(values: object) -> list[object]:
    if not hasattr(values, "__iter__"):
        raise TypeError(f"a value of type {type(values).__name__} cannot be joined")
    return list(values)


def _attribute(item: object, attribute: str | None) -> object:
    if attribute is None:
        return item
    return item[attribute] if isinstance(item, dict) else None


def _replace(text: object, old: str, new: str) -> str:
    given = str(_printed(text))
    if len(given) + given.count(old) * len(new) > MAX_RENDERED_CHARACTERS:
        raise _TooMuch
    return given.replace(old, new)


_OWN = {"join": _join, "replace": _replace, "tojson": _json}
_FILTERS = {name: FILTERS[name] for name in _TAKEN_OVER.split()} | _OWN
FILTER_NAMES = frozenset(_FILTERS)


class _Environment(ImmutableSandboxedEnvironment):
    """Looks up nothing but keys of objects, elements of lists, and where a loop is."""

    def getattr(self, obj: object, attribute: str) -> object:
        """Return `obj.attribute`: the value at that key, never an attribute of a Python object."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Return `obj[argument]`; undefined when there is none."""
        if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                pass
        if isinstance(obj, jinja2.Undefined):
            return obj
        return self.undefined(obj=obj, name=str(argument))


def _environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined,
        finalize=_printed,
        autoescape=False,  # prompts are text, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update(_FILTERS)
    return environment


ENVIRONMENT = _environment()
TEST_NAMES = frozenset(ENVIRONMENT.tests)


@lru_cache(maxsize=1_024)
def compiled(source: str) -> jinja2.Template:
    """Return the template that `source` is; compiled once.

    Raises:
        jinja2.TemplateSyntaxError: it is none.
    """
    return ENVIRONMENT.from_string(source)


def render_text(source: str, values: Mapping[str, object], name: str = "the template") -> str:
    """Return the template `source` filled in with `values`. What is in values is never evaluated.

    Raises:
        PromptUnrenderable: a value is missing or of the wrong type, or the text becomes too long.
    """
    pieces: list[str] = []
    length = 0
    try:
        for piece in compiled(source).generate(dict(values)):
            length += len(piece)
            if length > MAX_RENDERED_CHARACTERS:
                raise _TooMuch
            pieces.append(piece)
    except FAILURES as error:
        raise PromptUnrenderable(f"{name} cannot be filled in: {error}") from error
    return "".join(pieces)
