"""Settings of releases: bounds and defaults."""

import msgspec
import pytest

from buttress.releases.settings import ReleaseSettings


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert msgspec.convert(msgspec.to_builtins(ReleaseSettings()), ReleaseSettings) == ReleaseSettings()


@pytest.mark.parametrize(
    "values", [{"function_deadline_s": 0}, {"load_deadline_s": -1}, {"function_processes": 0}, {"zzz": 1}]
)
def test_what_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, ReleaseSettings)
