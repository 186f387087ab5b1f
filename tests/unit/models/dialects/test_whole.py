"""`models.dialects.whole`."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.models.dialects.types import Seen
from buttress.models.dialects.whole import WholeWatch
from buttress.models.errors import BadAnswer

MODEL = Model(name="vectors", provider="embeddings")


def test_what_is_answered_in_one_piece_is_read_and_does_not_stream() -> None:
    read: list[bytes] = []

    def reading(answer: bytes) -> Seen:
        read.append(answer)
        return Seen(text="two")

    watch = WholeWatch(MODEL, reading)
    with pytest.raises(BadAnswer, match="vectors streams 2 characters"):
        watch.see("{}")
    assert not watch.began
    assert watch.see_whole(b"{}").text == "two"
    assert (read, watch.began) == ([b"{}"], True)
    assert (watch.end().finished, watch.usage_so_far) == (None, None)
    assert "vectors stopped" in watch.cut().message
