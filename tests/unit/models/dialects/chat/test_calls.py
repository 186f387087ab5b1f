"""Pieces of tool calls, as upstreams cut and number them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import Finished, ModelEvent, ToolCall
from buttress.models.dialects.chat.calls import Calls, arguments_of
from buttress.models.dialects.chat.chunks import CallPiece, Function
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.folding import fold

F1, G2 = ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", '{"b":2}')
END = Finished(reason="tool_calls", usage=None, model="big")


def piece(
    index: int | None = None,
    call_id: str | int | None = None,
    name: str | None = None,
    text: str | None = None,
) -> CallPiece:
    return CallPiece(index=index, id=call_id, function=Function(name, text))


def joined(*pieces: CallPiece, answer: str = "") -> tuple[ToolCall, ...]:
    calls = Calls()
    events: list[ModelEvent] = [event for one in pieces for event in calls.take(one, answer)]
    return fold([*events, END]).tool_calls


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [
                piece(0, "c1", "f", ""),
                piece(0, text='{"a":'),
                piece(0, text="1}"),
                piece(1, "c2", "g", ""),
                piece(1, text='{"b":2}'),
            ],
            id="as OpenAI does",
        ),
        pytest.param(
            [
                piece(0, "c1", "f", '{"a":'),
                piece(1, "c2", "g", '{"b":'),
                piece(1, text="2}"),
                piece(0, text="1}"),
            ],
            id="pieces of two calls in turn",
        ),
        pytest.param(
            [piece(0, "c1", "f", '{"a":1}'), piece(0, "c2", "g", '{"b":2}')],
            id="0 for all, each call in one piece",
        ),
        pytest.param(
            [
                piece(0, "c1", "f", '{"a":'),
                piece(0, text="1}"),
                piece(0, "c2", "g", '{"b":'),
                piece(0, text="2}"),
            ],
            id="0 for all, each call in several pieces",
        ),
        pytest.param(
            [
                piece(None, "c1", "f", ""),
                piece(text='{"a":1}'),
                piece(None, "c2", "g", ""),
                piece(text='{"b":2}'),
            ],
            id="no index at all",
        ),
        pytest.param(
            [
                piece(None, "c1", "f", '{"a":'),
                piece(None, "c2", "g", '{"b":'),
                piece(None, "c1", None, "1}"),
                piece(None, "c2", None, "2}"),
            ],
            id="no index, but the id in each piece",
        ),
        pytest.param(
            [
                piece(0, "c1", "f", '{"a":'),
                piece(0, "c1", "f", "1}"),
                piece(1, "c2", "g", '{"b":'),
                piece(1, "c2", "g", "2}"),
            ],
            id="id and name again in each piece",
        ),
        pytest.param(
            [
                piece(0, "c1", "f", '{"a":'),
                piece(0, "", None, "1}"),
                piece(1, "c2", "g", ""),
                piece(1, "", "", '{"b":2}'),
            ],
            id="empty ids and names in later pieces",
        ),
        pytest.param(
            [
                piece(0, "c1", "f", '{"a":'),
                piece(0, "x7", None, "1}"),
                piece(1, "c2", "g", '{"b":'),
                piece(1, "x8", None, "2}"),
            ],
            id="a new id in each piece, the name only in the first",
        ),
        pytest.param(
            [piece(0, "c1"), piece(0, text='{"a":1}'), piece(0, None, "f"), piece(1, "c2", "g", '{"b":2}')],
            id="the name comes last",
        ),
        pytest.param(
            [piece(2, "c1", "f", '{"a":1}'), piece(5, "c2", "g", '{"b":2}')],
            id="numbers that do not begin with 0",
        ),
    ],
)
def test_parallel_calls_are_not_merged(pieces: list[CallPiece]) -> None:
    """Prevents litellm#33678 and #5231: parallel calls that become one."""
    assert joined(*pieces) == (F1, G2)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
OBJECTS = st.dictionaries(TEXT, st.integers(0, 9) | TEXT, max_size=2).map(lambda one: encode(one).decode())
WISHES = st.lists(OBJECTS, min_size=1, max_size=4)


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(WISHES, st.integers(1, 5), st.sampled_from(["numbered", "all 0", "not numbered", "repeated"]))
def test_however_calls_are_cut_and_numbered_they_are_the_same(
    wishes: list[str], size: int, style: str
) -> None:
    calls, events = Calls(), []
    for at, arguments in enumerate(wishes):
        index = {"numbered": at, "repeated": at, "all 0": 0}.get(style)
        name = ["f", *(["f"] if style == "repeated" else [None]) * len(arguments)]
        ids = [f"c{at}", *([f"c{at}"] if style == "repeated" else [""]) * len(arguments)]
        for place, text in enumerate(cut(arguments, size)):
            events += calls.take(piece(index, ids[place], name[place], text), "")
    told = [ToolCall(f"c{at}", "f", arguments) for at, arguments in enumerate(wishes)]
    assert fold([*events, END]).tool_calls == tuple(told)
    begun = [event.index for event in events if event.name]
    assert begun == [*range(len(wishes))]
    assert all(bool(event.id) == bool(event.name) for event in events)


def test_missing_ids_are_made_of_the_answers_own() -> None:
    """Two answers of one conversation must not have calls of the same id."""
    pieces = [piece(0, None, "f", "{}"), piece(0, "", "g", "{}")]
    assert joined(*pieces, answer="chatcmpl-9/x y") == (
        ToolCall("call_chatcmpl-9xy_0", "f", "{}"),
        ToolCall("call_chatcmpl-9xy_1", "g", "{}"),
    )
    assert joined(pieces[0])[0].id == "call_0"


def test_ids_that_are_numbers_become_texts() -> None:
    assert joined(piece(0, 0, "f", "{}"), piece(1, 17, "g", "{}")) == (
        ToolCall("0", "f", "{}"),
        ToolCall("17", "g", "{}"),
    )


def test_a_name_repeated_without_id_goes_on_with_its_call() -> None:
    pieces = [piece(0, None, "f", '{"a":'), piece(0, None, "f", '{"b":'), piece(0, None, "f", "1}}")]
    assert joined(*pieces) == (ToolCall("call_0", "f", '{"a":{"b":1}}'),)


def test_arguments_may_be_the_object_itself() -> None:
    assert arguments_of(Function("f", {"a": [1, "é"]})) == '{"a":[1,"é"]}'
    assert arguments_of(Function("f")) == ""


def test_a_sign_cut_in_two_within_arguments_is_made_whole() -> None:
    pieces = [piece(0, "c1", "f", '{"a":"\ud83d'), piece(0, text='\ude00"}')]
    assert joined(*pieces)[0].arguments == '{"a":"\U0001f600"}'


def test_calls_without_a_name_are_counted() -> None:
    calls = Calls()
    assert calls.take(piece(0, "c1", text="{}"), "") == []
    assert calls.unnamed == 1
    assert calls.take(CallPiece(index=1, id="c2"), "") == []
    assert calls.unnamed == 2
