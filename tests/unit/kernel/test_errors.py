"""The base of the errors."""

from pathlib import Path

from buttress.kernel.errors import ButtressError, Location, Mistake


class Stuck(ButtressError):
    """An error of these tests."""

    code = "test.stuck"
    hint = "Push."
    retryable = True


def test_an_error_says_code_message_hint_and_whether_it_may_work_later() -> None:
    assert Stuck("3 doors are stuck", data={"doors": 3}).as_dict() == {
        "code": "test.stuck",
        "message": "3 doors are stuck",
        "hint": "Push.",
        "retryable": True,
        "data": {"doors": 3},
    }
    assert Stuck("stuck", hint="Pull door 7.").as_dict()["hint"] == "Pull door 7."
    assert Stuck.hint == "Push."


def test_a_mistake_names_its_line_as_editors_understand_it() -> None:
    mistake = Mistake(Location(Path("a/b.yaml"), 3), "unknown key", "Remove it.")
    assert str(mistake) == "a/b.yaml:3: unknown key\n  hint: Remove it."
    assert str(Location(Path("a/b.yaml"))) == "a/b.yaml"
