"""`server.bells`."""

from buttress.server.bells import Bell


def test_it_rings_once_for_all_who_listen() -> None:
    bell, heard = Bell(), list[str]()
    bell.listen(lambda: heard.append("a"))
    bell.listen(lambda: heard.append("b"))
    bell.ring()
    bell.ring()
    assert (heard, bell.has_rung) == (["a", "b"], True)


def test_who_ignores_it_hears_nothing() -> None:
    bell, heard = Bell(), list[str]()

    def hear() -> None:
        heard.append("a")

    bell.listen(hear)
    bell.ignore(hear)
    bell.ignore(hear)
    bell.ring()
    assert not heard
