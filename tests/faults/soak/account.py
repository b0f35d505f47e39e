"""What a soak came to, and whether that is as it should be."""

import statistics

from faults.soak.engine import COUNTED, SIZES

GROWTH = 1.03
"""How much larger than in the second quarter memory may be in the last one. In the first one caches fill."""
REPAIRS = 12
"""How often what is fought over may be repaired: 5 times, and after pauses of 30 s, 60 s, 120 s and so on."""


def parts(samples, name, count):
    """The medians of so many parts of a run."""
    size = max(len(samples) // count, 1)
    return [statistics.median(sample[name] for sample in samples[size * n : size * (n + 1)]) for n in range(count)]


class Account:
    """What a soak came to; ``calm`` are the samples before the storm and after it."""

    def __init__(self, stormy, calm, settled, is_equal, code):
        self.seconds = stormy[-1]["at"] - stormy[0]["at"]
        self.calm, self.settled, self.is_equal, self.code = calm, settled, is_equal, code
        self.quarters = {name: parts(stormy, name, 4) for name in ("rss", *SIZES)}
        before, after = calm
        self.grew = {name: after[name] - before[name] for name in COUNTED}

    @property
    def growth(self):
        """The last quarter's memory, relative to the second's."""
        _, second, _, last = self.quarters["rss"]
        return last / second

    def passed(self, reconcilers):
        before, after = (sample["threads"] for sample in self.calm)
        is_still = self.settled is not None and self.is_equal and before == after and self.code == 0
        knows_fights = 0 < self.grew["fought"] <= reconcilers * REPAIRS and not self.grew["given_up"]
        return is_still and knows_fights and self.growth <= GROWTH

    def rows(self, options, server, others, opponent, weather):
        edits, seconds, grew = sum(others.done.values()), self.seconds, self.grew
        yield "duration", f"{seconds:.0f} s, seed {options.seed}"
        yield "Reconcilers", f"{options.reconcilers} on one cache, with {options.objects + 1} objects each"
        yield "edits by others", f"{edits}, {edits / seconds:.0f} a second: {_counts(others.done)}"
        yield "reconciles", f"{grew['rounds']}, of which {grew['errors']} raised"
        yield "objects written", f"{grew['written']}, {grew['written'] / seconds:.0f} a second; {grew['failed']} failed"
        yield "requests of the engine", _counts(server.log.verbs)
        yield "faults injected", f"{sum(weather.done.values())}: {_counts(weather.done)}"
        yield (
            "fights",
            (
                f"{options.reconcilers}; {opponent.done} writes of the opponent, {grew['fought']} repairs; "
                f"{grew['given_up']} times anything else was taken for one"
            ),
        )
        yield "settled after", "never" if self.settled is None else f"{self.settled:.0f} s"
        yield "end state equal", "yes" if self.is_equal else "NO"
        yield "memory by quarter", ", ".join(f"{size:.1f} MB" for size in self.quarters["rss"])
        yield "memory, last to second", f"{self.growth - 1:+.1%}, at most {GROWTH - 1:+.0%}"
        for name in SIZES:
            yield f"{name} by quarter", ", ".join(f"{size:.0f}" for size in self.quarters[name])
        yield "threads at rest", "{} before, {} after".format(*(sample["threads"] for sample in self.calm))
        yield "exit code", str(self.code)


def _counts(found):
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
