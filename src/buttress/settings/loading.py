"""Loading: defaults -> buttress.yaml -> environment -> flags. The only reader of the environment.

A variable is named for its setting, however deep: BUTTRESS_SERVER__PORT is server.port. Its value is read as
YAML, so that `8080` is a number and `[a, b]` a list; so is the value of a flag, `--set server.port=8080`.
Whatever else begins with BUTTRESS_ is a mistake: a setting that is passed over in silence is found too late.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Keys, Located, convert, did_you_mean, parse_yaml
from buttress.kernel.secrets import has_password, mask_password
from buttress.settings.errors import ProjectMissing, SettingsInvalid
from buttress.settings.tree import Settings, setting_keys

FILE = "buttress.yaml"
PREFIX = "BUTTRESS_"
FEATURES = "features"

_SERVICE_LINK = re.compile(
    r"BUTTRESS_(\w+_)?(SERVICE_HOST=.*|SERVICE_PORT(_\w+)?=.*|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?=.*|PORT=(tcp|udp|sctp)://.*)"
)
"""What Kubernetes sets in every container beside a service called `buttress` or `buttress-...`: not ours."""


class Loaded(msgspec.Struct, frozen=True):
    """The tree, and for each setting that is not at its default where its value came from.

    `flags` are those that it was loaded with: with them it can be loaded again.
    """

    project: Path
    tree: Settings
    origins: dict[Keys, str]
    flags: tuple[str, ...] = ()


class _Given(msgspec.Struct, frozen=True):
    """One value from outside the file: its keys, its text, and the words for where it came from."""

    keys: Keys
    text: str
    origin: str


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds a project: buttress.yaml, or features/.

    Raises:
        ProjectMissing: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file() or (folder / FEATURES).is_dir():
            return folder
    raise ProjectMissing(f"no project in {start}: neither {FILE} nor a folder {FEATURES}/ here or above")


def load_settings(
    project: Path, *, environment: Mapping[str, str] | None = None, flags: Sequence[str] = ()
) -> Loaded:
    """Load the settings of `project`; each of `flags` is a `section.key=value`.

    Raises:
        SettingsInvalid: with every mistake found, not only the first.
    """
    variables = os.environ if environment is None else environment
    mistakes: list[Mistake] = []
    values: dict[str, object] = {}
    origins: dict[Keys, str] = {}
    for keys, value, origin in (
        *_from_file(project / FILE, mistakes),
        *_from_given([*_variables(variables, mistakes), *_flags(flags, mistakes)], mistakes),
    ):
        _put(values, keys, value)
        origins[keys] = origin
        if isinstance(value, str) and has_password(value):
            mistakes.append(_literal_password(keys, origin))
    if mistakes:
        raise SettingsInvalid(mistakes)
    return Loaded(project, msgspec.convert(values, Settings), origins, tuple(flags))


def _literal_password(keys: Keys, origin: str) -> Mistake:
    hint = (
        "Write where the URL is found: env:NAME or file:PATH; or one without a password. If it was in git, "
        "change the password."
    )
    return Mistake(Location(Path(origin)), f"{_dotted(keys)}: a password does not belong here", hint)


def _dotted(keys: Keys) -> str:
    return ".".join(str(key) for key in keys)


def _put(values: dict[str, object], keys: Keys, value: object) -> None:
    for key in keys[:-1]:
        below = values.setdefault(str(key), {})
        assert isinstance(below, dict)  # noqa: S101 - only settings are put here, never what is above them
        values = below
    values[str(keys[-1])] = value


_Setting = tuple[Keys, object, str]


def _from_file(path: Path, mistakes: list[Mistake]) -> Iterator[_Setting]:
    located = _read(path)
    if isinstance(located, Mistake):
        mistakes.append(located)
        return
    if not isinstance(located.value, dict):
        mistakes.append(
            Mistake(
                Location(path, 1), "not a mapping of sections", "Write `server:` and below it `port: 8700`."
            )
        )
        return
    mistakes.extend(_mistakes_of(located, located.value))
    yield from (
        (keys, located.get(*keys), str(located.at(*keys)))
        for keys, _ in setting_keys()
        if keys in located.lines
    )


def _read(path: Path) -> Located | Mistake:
    try:
        return parse_yaml(path.read_text("utf-8"), path)
    except FileNotFoundError:
        return Located(path, {}, {})
    except UnicodeDecodeError as error:
        return Mistake(Location(path), f"byte {error.start} is not UTF-8", "Save the file as UTF-8.")
    except OSError as error:
        return Mistake(Location(path), error.strerror or str(error), "Make it a readable file, or remove it.")


def _mistakes_of(located: Located, sections: Iterable[str]) -> Iterator[Mistake]:
    known = list(Settings.__struct_fields__)
    for section in sections:
        if section not in known:
            hint = did_you_mean(section, known) or f"Known sections: {', '.join(known)}."
            yield Mistake(located.at(section), f"unknown section `{section}`", hint)
        elif not isinstance(located.get(section), dict):
            yield Mistake(located.at(section), f"`{section}` is not a mapping", "Indent its keys below it.")
        else:
            found = convert(located, type(getattr(Settings(), section)), section)
            if isinstance(found, Mistake):
                yield found


def _variables(environment: Mapping[str, str], mistakes: list[Mistake]) -> Iterator[_Given]:
    for name, text in sorted(environment.items()):
        if not name.startswith(PREFIX) or _SERVICE_LINK.fullmatch(f"{name}={text}"):
            continue
        if "__" in name:
            keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
            yield _Given(keys, text, f"environment variable {name}")
        else:
            mistakes.append(_unknown_variable(name))


def _unknown_variable(name: str) -> Mistake:
    """Return the mistake of a variable without `__`, with the setting's variable that was likely meant."""
    known = {
        _variable(keys).replace("__", "_").removeprefix(PREFIX): _variable(keys) for keys, _ in setting_keys()
    }
    close = get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.75)
    meant = known[close[0]] if close else None
    hint = (
        f"Did you mean `{meant}`?"
        if meant
        else f"Names of settings hold `__`, as {PREFIX}SERVER__PORT; give your own another name."
    )
    return Mistake(Location(Path(f"environment variable {name}")), "no setting is called so", hint)


def _variable(keys: Keys) -> str:
    return PREFIX + "__".join(str(key) for key in keys).upper()


def _flags(flags: Sequence[str], mistakes: list[Mistake]) -> Iterator[_Given]:
    for flag in flags:
        name, equals, text = flag.partition("=")
        keys = tuple(name.strip().split("."))
        if equals and len(keys) > 1:
            yield _Given(keys, text, f"flag --set {name.strip()}")
        else:
            where = Location(Path(f"flag --set {mask_password(flag)}"))
            mistakes.append(
                Mistake(where, "not of the form section.key=value", "For example: --set server.port=8080")
            )


def _from_given(given: Sequence[_Given], mistakes: list[Mistake]) -> Iterator[_Setting]:
    for one in given:
        value = _value(one)
        if isinstance(value, Mistake):
            mistakes.append(value)
        else:
            yield one.keys, value.get(*one.keys), one.origin


def _value(given: _Given) -> Located | Mistake:
    """Return a tree that holds this one value, once it is known to be right."""
    path = Path(given.origin)
    parsed = parse_yaml(given.text, path)
    if isinstance(parsed, Mistake):
        return parsed
    # An empty variable means an empty text, which YAML would read as nothing at all.
    value = parsed.value if given.text.strip() else ""
    wanted: dict[str, object] = {}
    _put(wanted, given.keys, value)
    tree = Located(path, wanted, {})
    wrong = convert(tree, Settings)
    return Mistake(Location(path), wrong.message, wrong.hint) if isinstance(wrong, Mistake) else tree
