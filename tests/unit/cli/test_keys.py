"""`buttress keys`, as people type it."""

import re
from pathlib import Path

import msgspec
import pytest

from buttress.storage.embedded import EmbeddedServer
from tests.unit.cli.conftest import Run

Json = dict[str, object]
_ID = re.compile(r"bk_([0-9a-z]{12})_")


@pytest.fixture
def project(shared_server: tuple[Path, EmbeddedServer]) -> Path:
    """A project whose database runs already."""
    folder = shared_server[0]
    (folder / "buttress.yaml").write_text("{}\n")
    return folder


def test_a_key_from_its_first_day_to_its_last(run: Run, project: Path) -> None:
    options = ("--tenant", "acme", "--feature", "support", "--tag", "team=growth", "--expires", "90d")
    made = run("--project", project, "keys", "create", "shop", *options)
    assert made.code == 0, made.err
    key_id = _ID.match(made.out)
    assert key_id
    assert made.out.strip().isascii()
    assert "never shown again" in made.err
    assert "no feature is called support here" in made.err
    listed = run("--project", project, "keys", "list")
    assert made.out.strip() not in listed.out
    line = next(line for line in listed.out.splitlines() if line.startswith(key_id[1]))
    assert "active" in line
    assert "features support, models none, tenants acme, team=growth; never used" in line
    turned = run("--project", project, "keys", "rotate", key_id[1], "--grace", "2h")
    assert _ID.match(turned.out)
    assert "good until" in turned.err
    shown = run("--project", project, "keys", "show", key_id[1])
    assert shown.out.count("of 20") == 2
    refused = run("--project", project, "keys", "revoke", key_id[1], stdin=b"n\n")
    assert refused.code == 130
    over = run("--project", project, "keys", "revoke", key_id[1], "--yes")
    assert (over.code, "revoked" in over.out) == (0, True)
    late = run("--project", project, "keys", "rotate", key_id[1])
    assert (late.code, "access.key_expired" in late.err) == (1, True)


def test_a_key_cannot_end_behind_the_calendar(run: Run, project: Path) -> None:
    made = run("--project", project, "keys", "create", "shop", "--expires", "9999999d")
    assert (made.code, "cli.misused" in made.err, "Traceback" in made.err) == (2, True, False)


def test_programs_read_json(run: Run, project: Path) -> None:
    made = msgspec.json.decode(run("--project", project, "keys", "create", "app", "--json").out, type=Json)
    assert str(made["key"]).startswith(f"bk_{made['id']}_")
    assert made["terms"] == {
        **dict.fromkeys(("tenants", "user", "features", "models")),
        "name": "app",
        "role": "viewer",
        "groups": [],
        "tags": {},
    }
    listed = msgspec.json.decode(run("--project", project, "keys", "list", "--json").out, type=list[Json])
    mine = next(one for one in listed if one["id"] == made["id"])
    assert "key" not in mine
    assert "digest" not in str(mine)
    for deed in (("show",), ("revoke", "--yes")):
        said = run("--project", project, "keys", *deed, str(made["id"]), "--json")
        assert msgspec.json.decode(said.out, type=Json)["id"] == made["id"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(("create", "x", "--expires", "soon"), 2, "no length of time", id="no length"),
        pytest.param(("create", "x", "--tag", "growth"), 2, "not NAME=VALUE", id="no tag"),
        pytest.param(("create", ""), 2, "name", id="no name"),
        pytest.param(("create", "x", "--role", "emperor"), 2, "emperor", id="no such role"),
        pytest.param(
            ("create", "x", "--role", "admin", "--tenant", "a"), 1, "admin", id="an admin of one tenant"
        ),
        pytest.param(("create", "x", "--expires", "0d"), 1, "over already", id="over at once"),
        pytest.param(("rotate", "x", "--grace", "31d"), 2, "30 days", id="an endless grace"),
        pytest.param(("show", "nothing"), 1, "no key 'nothing'", id="no such key"),
        pytest.param(("revoke", "nothing", "--yes"), 1, "no key 'nothing'", id="none to revoke"),
    ],
)
def test_what_cannot_be_done(run: Run, project: Path, words: tuple[str, ...], code: int, said: str) -> None:
    ran = run("--project", project, "keys", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
