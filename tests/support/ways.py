"""The two ways by which requests go out, for tests that do not show the same of both."""

import pytest

by_exchange = pytest.mark.parametrize("way", ["exchange"], indirect=True)
"""A test of what urllib3's own urlopen does otherwise."""


def ways(names, both, **alone):
    """Run a test over rows, by their ids: those that hold of both ways, and those that hold of one, by its name."""
    rows = [(way, *named) for way in ("exchange", "urlopen") for named in [*both.items(), *alone.get(way, {}).items()]]
    values = [pytest.param(way, *row, id=f"{way}-{name}") for way, name, row in rows]
    return pytest.mark.parametrize(("way", *names), values, indirect=["way"])
