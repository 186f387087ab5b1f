"""What is kept of documents that were re-ranked lately."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from buttress.knowledge.reranking.keeping import KeptVectors, Read


def read(tokens: int) -> Read:
    """Return a document of so many tokens of 100 numbers, 200 bytes each."""
    return Read(np.zeros((tokens, 100), np.float16), is_cut=False)


def test_what_was_needed_last_stays() -> None:
    kept = KeptVectors(3_000)
    for key in (b"a", b"b"):
        kept.put(key, read(5))
    assert kept.get(b"a") is not None
    kept.put(b"c", read(5))
    assert [kept.get(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]
    assert 2_000 < kept.size_bytes <= 3_000


def test_what_is_larger_than_all_is_not_kept() -> None:
    kept = KeptVectors(1_500)
    kept.put(b"small", read(5))
    kept.put(b"large", read(10))
    assert (kept.get(b"large"), kept.get(b"small") is None) == (None, False)


def test_no_room_keeps_nothing() -> None:
    kept = KeptVectors(0)
    kept.put(b"a", read(0))
    assert (kept.get(b"a"), kept.size_bytes) == (None, 0)


def test_the_size_is_right_whoever_puts_what_at_once() -> None:
    kept = KeptVectors(20_000)

    def work(number: int) -> None:
        kept.put(str(number % 30).encode(), read(number % 7))
        kept.get(str(number % 13).encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(500)))
    found = [one for number in range(30) if (one := kept.get(str(number).encode()))]
    assert kept.size_bytes == sum(one.vectors.nbytes + 400 for one in found) <= 20_000
