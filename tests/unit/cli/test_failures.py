"""Errors as people and programs see them."""

import errno
import json
import os

import pytest

from buttress.access.errors import LimitsInvalid
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
    from_machine,
    hint_of,
    meaning_of,
    refuse_undecodable,
    report,
    wants_json,
    wants_no_colours,
)
from buttress.gateway.errors import FeatureUnknown
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import DeclarationInvalid, NotIngested
from buttress.settings.errors import ProjectMissing, SecretMissing
from buttress.spend.errors import BudgetsInvalid
from buttress.storage.errors import StorageUnavailable
from buttress.watch.errors import WebhooksInvalid


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(CommandMisused("x"), USAGE, id="the command"),
        pytest.param(ProjectMissing("x"), USAGE, id="no project"),
        pytest.param(SecretMissing("x"), USAGE, id="a setting"),
        pytest.param(DeclarationInvalid("x"), USAGE, id="a file of the project"),
        pytest.param(BudgetsInvalid("x"), USAGE, id="budgets.yaml"),
        pytest.param(LimitsInvalid("x"), USAGE, id="limits.yaml"),
        pytest.param(WebhooksInvalid("x"), USAGE, id="alerts.yaml"),
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


@pytest.mark.parametrize("word", [b"\xff", "é".encode("latin-1"), b"--set=\xc3\x28", b"\xed\xa0\x80"])
def test_words_that_are_not_utf_8_are_refused(word: bytes) -> None:
    refuse_undecodable(["ask", "Größe 寸 🪴", ""])
    with pytest.raises(CommandMisused, match="is not UTF-8"):
        refuse_undecodable(["ask", os.fsdecode(word)])


@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        pytest.param(errno.EACCES, FAILED, "right", id="no permission"),
        pytest.param(errno.EROFS, FAILED, "right", id="a disk that is read only"),
        pytest.param(errno.ENOSPC, FAILED, "room", id="a full disk"),
        pytest.param(errno.ENOTDIR, FAILED, "file stands where a folder", id="a file in the way"),
        pytest.param(errno.EIO, FAILED, "Mend", id="something else"),
        pytest.param(errno.ECONNREFUSED, AWAY, "again", id="nobody there"),
        pytest.param(errno.ETIMEDOUT, AWAY, "again", id="too slow"),
    ],
)
def test_what_the_machine_refuses_has_code_and_hint(number: int, code: int, hint: str) -> None:
    error = from_machine(OSError(number, os.strerror(number), "a/file"))
    assert error.message == f"a/file: {os.strerror(number)}"
    assert hint in error.hint
    assert exit_code(error) == code


def test_an_error_of_the_machine_without_a_number_still_says_something() -> None:
    assert from_machine(OSError("odd")).message == "odd"
    assert from_machine(TimeoutError()).message == "TimeoutError"


def test_a_hint_is_found_by_its_code() -> None:
    assert hint_of("cli.misused") == CommandMisused.hint
    assert hint_of("retrieve.nothing_relevant") == ""


def test_what_a_code_means_is_said_in_one_line() -> None:
    assert meaning_of("models.local_broken") == "The local model's file is not a GGUF that can be run here"
    assert meaning_of("retrieve.nothing_relevant") == "retrieve.nothing_relevant"


def test_no_order_to_the_terminal_is_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    report(CommandMisused("a\x1b[31mb", hint="c\x9bd"), as_json=False)
    assert not {"\x1b", "\x9b"} & set(capsys.readouterr().err)


def test_colours_are_unwanted_before_anything_is_parsed() -> None:
    assert wants_no_colours(["--no-color", "ask"])
    assert not wants_no_colours(["ask"])
