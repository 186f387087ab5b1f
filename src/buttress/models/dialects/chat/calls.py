"""Pieces of tool calls, as upstreams cut and number them, as pieces that are ours. Pure."""

import msgspec

from buttress.kernel.messages import ToolCallDelta
from buttress.models.dialects.chat.chunks import CallPiece, Function
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.halves import Halves


class _Call(msgspec.Struct):
    """A call so far. `number` is the upstream's, None where it gives none."""

    index: int
    number: int | None
    id: str
    is_told: bool = False
    written: list[str] = []
    halves: Halves = msgspec.field(default_factory=Halves)


class Calls:
    """Puts each piece to its call; numbers the calls of one answer from 0 as they come.

    By `index` where it says enough. Some leave it out, some send 0 for all of several calls, some repeat id
    and name in each piece, some give a new id to each piece, some none at all. So a piece begins a call where
    its index is new, or where it has a name and an id that differs; with a name but no id, where the call
    before it is complete JSON.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    @property
    def unnamed(self) -> int:
        """How many calls have no name yet: nobody can make them."""
        return sum(not one.is_told for one in self._calls)

    def take(self, piece: CallPiece, answer: str) -> list[ToolCallDelta]:
        """Return the piece as one of ours; nothing while its call has no name. `answer` makes missing ids."""
        function, call_id = piece.function or Function(), _id(piece)
        call = self._known(piece, function)
        if call is None:
            index = len(self._calls)
            call = _Call(index, piece.index, call_id or _made(answer, index))
            self._calls.append(call)
        text = call.halves.join(arguments_of(function))
        call.written.append(text)
        if call.is_told:
            return [ToolCallDelta(index=call.index, arguments=text)] if text else []
        if not function.name:
            return []
        call.is_told = True
        whole = "".join(call.written)
        return [ToolCallDelta(index=call.index, id=call.id, name=function.name, arguments=whole)]

    def _known(self, piece: CallPiece, function: Function) -> _Call | None:
        """Return the call that `piece` goes on with, None where it begins one."""
        call = self._numbered(piece)
        if call is None or not (call.is_told and function.name):
            return call
        if call_id := _id(piece):
            return call if call_id == call.id else None
        return None if _is_json(call.written) else call

    def _numbered(self, piece: CallPiece) -> _Call | None:
        if piece.index is None:
            call_id = _id(piece)
            same = [one for one in self._calls if call_id and one.id == call_id]
            return next(reversed(same or self._calls), None)
        return next((one for one in reversed(self._calls) if one.number == piece.index), None)


def _id(piece: CallPiece) -> str:
    return "" if piece.id is None else str(piece.id)


def arguments_of(function: Function) -> str:
    """Return the arguments in a piece as JSON text."""
    arguments = function.arguments
    return encode(arguments).decode() if isinstance(arguments, dict) else arguments or ""


def _is_json(written: list[str]) -> bool:
    if not written[-1].endswith("}"):
        return False
    try:
        msgspec.json.decode("".join(written))
    except (ValueError, RecursionError):
        return False
    return True


def _made(answer: str, index: int) -> str:
    """Return an id for a call that has none: other answers of one conversation must not have the same."""
    plain = "".join(one for one in answer if one.isascii() and (one.isalnum() or one in "_-"))
    return f"call_{plain}_{index}" if plain else f"call_{index}"
