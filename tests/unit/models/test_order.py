"""`models.order`."""

import pytest

from buttress.kernel.messages import Message, ModelRequest
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.errors import Untranslatable
from buttress.models.order import MAX_COUNTED, Order

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi?"}], "seed": 7}'


def test_a_request_of_ours_stays_as_it_is() -> None:
    request = ModelRequest(messages=(Message("user", "Hi?"), Message("user", "You?")), max_tokens=10)
    order = Order(request)
    assert (order.request, order.body) == (request, None)


def test_a_clients_own_words_are_put_into_ours_once() -> None:
    order = Order(read_body(BODY))
    assert order.request.messages == (Message("user", "Hi?"),)
    assert order.request is order.request
    assert order.body is not None


class Characters:
    """A counter of characters, which notes how many it looked at."""

    def __init__(self) -> None:
        self.looked_at = 0

    def count(self, text: str) -> int:
        self.looked_at += len(text)
        return len(text)


@pytest.mark.parametrize("length", [0, 1, 50_000, 50_001, 1_000_000])
def test_a_long_text_is_counted_by_its_beginning(length: int) -> None:
    counter = Characters()
    order = Order(ModelRequest(messages=(Message("user", "x" * length),), max_tokens=1))
    assert order.tokens(counter) == length
    assert counter.looked_at <= MAX_COUNTED


def test_what_has_no_word_is_found_out_when_it_is_needed() -> None:
    order = Order(read_body(BODY.replace(b'"seed": 7', b'"n": 2')))
    with pytest.raises(Untranslatable):
        _ = order.request
