"""`models.order`."""

import pytest

from buttress.kernel.messages import Message, ModelRequest
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.errors import Untranslatable
from buttress.models.order import Order

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi?"}], "seed": 7}'


def test_a_request_of_ours_stays_as_it_is() -> None:
    request = ModelRequest(messages=(Message("user", "Hi?"), Message("user", "You?")), max_tokens=10)
    order = Order(request)
    assert (order.request, order.body, order.characters) == (request, None, 7)


def test_a_clients_own_words_are_put_into_ours_once() -> None:
    order = Order(read_body(BODY))
    assert order.request.messages == (Message("user", "Hi?"),)
    assert order.request is order.request
    assert order.body is not None
    assert order.characters == len(BODY)


def test_what_has_no_word_is_found_out_when_it_is_needed() -> None:
    order = Order(read_body(BODY.replace(b'"seed": 7', b'"n": 2')))
    with pytest.raises(Untranslatable):
        _ = order.request
