"""What was needed last is kept, up to so many bytes."""

from concurrent.futures import ThreadPoolExecutor

from buttress.knowledge.recent import Recent


def keeping(most_bytes: int) -> Recent[bytes]:
    """Return one that keeps bytes."""
    return Recent(most_bytes, len)


def value(units: int) -> bytes:
    """Return a value of so many times 200 bytes."""
    return bytes(200 * units)


def test_what_was_needed_last_stays() -> None:
    kept = keeping(3_000)
    for key in (b"a", b"b"):
        kept.put(key, value(5))
    assert kept.get(b"a") is not None
    kept.put(b"c", value(5))
    assert [kept.get(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]
    assert 2_000 < kept.size_bytes <= 3_000


def test_what_is_larger_than_all_is_not_kept() -> None:
    kept = keeping(1_500)
    kept.put(b"small", value(5))
    kept.put(b"large", value(10))
    assert (kept.get(b"large"), kept.get(b"small") is None) == (None, False)


def test_no_room_keeps_nothing() -> None:
    kept = keeping(0)
    kept.put(b"a", value(0))
    assert (kept.get(b"a"), kept.size_bytes) == (None, 0)


def test_the_size_is_right_whoever_puts_what_at_once() -> None:
    kept = keeping(20_000)

    def work(number: int) -> None:
        kept.put(str(number % 30).encode(), value(number % 7))
        kept.get(str(number % 13).encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(500)))
    found = [one for number in range(30) if (one := kept.get(str(number).encode())) is not None]
    assert kept.size_bytes == sum(len(one) + 400 for one in found) <= 20_000
