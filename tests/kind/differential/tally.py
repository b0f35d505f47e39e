"""How many values of each kind were held against Go, and where our prediction was another."""

import os
import random

FULL = os.environ.get("GENRECONCILE_CONFORMANCE") in {"all", "spread"}
SHOWN = 10


def size(sample, full):
    """How many values to make: of a sample, or of the whole suite."""
    return full if FULL else sample


def seeded(kind):
    """The same values in each run, others for each kind."""
    return random.Random(f"genreconcile {kind} {os.environ.get('GENRECONCILE_SEED', '1')}")  # noqa: S311 - no secrets


class Tally:
    """The table of the run."""

    def __init__(self):
        self.tried = {}
        self.disagreements = {}

    def add(self, kind, tried, disagreements):
        """Count, and fail where there are disagreements; each a tuple that says what."""
        found = list(disagreements)
        self.tried[kind] = self.tried.get(kind, 0) + tried
        self.disagreements[kind] = self.disagreements.get(kind, 0) + len(found)
        assert not found, f"{len(found)} of {tried} differ, of these: {found[:SHOWN]}"

    def __str__(self):
        lines = [f"{'kind of value':<44}{'tried':>8}{'disagreements':>15}"]
        lines += [f"{kind:<44}{tried:>8}{self.disagreements[kind]:>15}" for kind, tried in sorted(self.tried.items())]
        lines.append(f"{'all':<44}{sum(self.tried.values()):>8}{sum(self.disagreements.values()):>15}")
        return "\n".join(lines)
