"""Node ports for tests that name one.

Invariant: nobody else has them. The server allots ports from 30,086 on first (KEP-3668), and one process of tests
takes each port below once.
"""

import itertools

_STATIC = iter(range(30_000, 30_086))


def free_node_port():
    """A port that no other test names, and that the server does not allot by itself."""
    return next(_STATIC)


def free_node_ports(count):
    """Some of them."""
    return list(itertools.islice(_STATIC, count))
