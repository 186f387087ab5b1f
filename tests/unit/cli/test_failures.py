"""Errors as people and programs see them."""

import json

import pytest

from buttress.cli.failures import (
    AWAY,
    DONE,
    FAILED,
    IN_PART,
    INTERRUPTED,
    MEANINGS,
    USAGE,
    CommandMisused,
    exit_code,
    report,
    wants_json,
)
from buttress.gateway.errors import FeatureUnknown
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import DeclarationInvalid, NotIngested
from buttress.settings.errors import ProjectMissing, SecretMissing
from buttress.storage.errors import StorageUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(CommandMisused("x"), USAGE, id="the command"),
        pytest.param(ProjectMissing("x"), USAGE, id="no project"),
        pytest.param(SecretMissing("x"), USAGE, id="a setting"),
        pytest.param(DeclarationInvalid("x"), USAGE, id="a file of the project"),
        pytest.param(FeatureUnknown("x"), FAILED, id="a refusal"),
        pytest.param(NotIngested("x"), FAILED, id="a failure"),
        pytest.param(StorageUnavailable("x"), AWAY, id="what may work later"),
    ],
)
def test_an_error_has_an_exit_code(error: ButtressError, code: int) -> None:
    assert exit_code(error) == code


def test_every_exit_code_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == {DONE, FAILED, USAGE, IN_PART, AWAY, INTERRUPTED}
    assert len(set(MEANINGS.values())) == len(MEANINGS)


def test_people_read_what_happened_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    report(CommandMisused("nothing was asked", hint="Ask."), as_json=False)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "error: nothing was asked\nhint: Ask.\n(cli.misused)\n"


def test_programs_read_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    report(StorageUnavailable("no server", data={"port": 5432}), as_json=True)
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "storage.unavailable"
    assert (error["retryable"], error["data"]) == (True, {"port": 5432})


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        pytest.param(["trace", "list", "--json"], True, id="an option"),
        pytest.param(["ask", "--jsn"], False, id="another option"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_json_is_wanted_before_anything_is_parsed(arguments: list[str], *, wanted: bool) -> None:
    assert wants_json(arguments) == wanted
