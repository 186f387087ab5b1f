"""Signals have names, most of them."""

import signal

import pytest

from buttress.kernel.signals import signal_name


@pytest.mark.parametrize(
    ("number", "name"),
    [
        pytest.param(signal.SIGTERM, "SIGTERM", id="one with a name"),
        pytest.param(36, "signal 36", id="a real-time signal"),
        pytest.param(9_999, "signal 9999", id="none at all"),
    ],
)
def test_signal_name(number: int, name: str) -> None:
    assert signal_name(number) == name
