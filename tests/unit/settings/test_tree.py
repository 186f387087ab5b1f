"""The tree: every setting is reached by its keys, and says what it is."""

from functools import reduce

import msgspec

from buttress.settings.tree import Settings, setting_keys


def test_every_key_leads_to_a_value_that_is_no_section() -> None:
    for keys, _ in setting_keys():
        value = reduce(getattr, map(str, keys), Settings())
        assert not isinstance(value, msgspec.Struct), keys


def test_no_two_settings_share_their_keys() -> None:
    keys = [keys for keys, _ in setting_keys()]
    assert len(keys) == len(set(keys))
    assert {one[0] for one in keys} == set(Settings.__struct_fields__)


def test_the_tree_cannot_be_changed() -> None:
    assert Settings.__struct_config__.frozen
    assert all(
        type(getattr(Settings(), name)).__struct_config__.frozen for name in Settings.__struct_fields__
    )
