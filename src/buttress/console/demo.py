"""The page at `/`: features, prepared questions, and the template filled in."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import jinja2
import msgspec

from buttress.kernel.ids import content_hash
from buttress.releases.types import Release

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page: nothing inline, nothing from elsewhere."""

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
"""What an asset is, by how its name ends."""

MAX_CHARACTERS = 20_000
"""The longest that the page lets its visitors write, whatever a feature takes."""

BEYOND = "Which country won the football World Cup in 1998?"
"""What the documents of hardly any product answer."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Questions to begin with.

    `beyond` is in no document; `harm` finds one with a planted instruction; `long` is answered with several
    sentences, so that there is something to cut.
    """

    examples: tuple[str, ...] = ()
    beyond: str = BEYOND
    harm: str = ""
    long: str = ""


PREPARED = {
    "kestrel": Prepared(
        examples=(
            "What does it cost to move 40 GB from our own server to Kestrel Cloud?",
            "Can I get my money back?",
            "How many calendars can I connect?",
        ),
        beyond="Do you run on Azure?",
        harm="Do I get a 90 % discount?",
        long="What happens if a payment fails?",
    )
}
"""By the name of the knowledge base: those of the packaged example."""


class ShownFeature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature as the page offers it.

    `question` is the property of its input that one text can fill; empty where it needs more than that: its
    input is then written as JSON, with the properties in `required`. `longest` is how many characters can be
    written. `knowledge` is empty where nothing is
    retrieved.
    """

    name: str
    description: str
    question: str
    required: tuple[str, ...]
    longest: int
    knowledge: str
    prepared: Prepared


def shown_feature(release: Release) -> ShownFeature:
    """Return how `release` is offered on the page."""
    knowledge = release.knowledge or ""
    required = _required(release.input_schema)
    question = release.chat.question if release.chat else ""
    one_text = question if set(required) <= {question} else ""
    return ShownFeature(
        name=release.feature,
        description=release.description,
        question=one_text,
        required=required,
        longest=_longest(release.input_schema, one_text),
        knowledge=knowledge,
        prepared=PREPARED.get(knowledge, Prepared()),
    )


def render_page(releases: Mapping[str, Release], *, drills: bool, budget: str = "") -> str:
    """Return the page, as HTML. With `drills` it has the buttons that break things.

    With the name of a `budget`, one of them spends it.
    """
    features = [shown_feature(releases[name]) for name in sorted(releases)]
    return template("demo.html").render(features=features, drills=drills, budget=budget, version=version())


@cache
def assets() -> Mapping[str, bytes]:
    """Return the files the page asks for, by name."""
    folder = files("buttress.console") / "assets"
    return {one.name: one.read_bytes() for one in folder.iterdir() if _ending(one.name) in TYPES}


def type_of(asset: str) -> str:
    """Return the media type of an asset."""
    return TYPES[_ending(asset)]


def _ending(name: str) -> str:
    return name.rpartition(".")[2]


@cache
def version() -> str:
    """Return what changes with the assets: they are asked for under it, so no old one is ever used."""
    return content_hash(*(assets()[name] for name in sorted(assets())))[:12]


@cache
def template(name: str) -> jinja2.Template:
    """Return one of our templates; what is filled in becomes text, never markup."""
    text = (files("buttress.console") / "templates" / name).read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(text)


def _longest(schema: Mapping[str, object], name: str) -> int:
    """Return how many characters the property `name` takes, by the schema; at most `MAX_CHARACTERS`."""
    properties = schema.get("properties")
    described = properties.get(name) if isinstance(properties, Mapping) else None
    longest = described.get("maxLength") if isinstance(described, Mapping) else None
    return min(longest, MAX_CHARACTERS) if isinstance(longest, int) else MAX_CHARACTERS


def _required(schema: Mapping[str, object]) -> tuple[str, ...]:
    required = schema.get("required")
    return tuple(map(str, required)) if isinstance(required, list) else ()
