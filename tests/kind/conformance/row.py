"""What came of one kind."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Row:
    """``counts`` by what happened; ``faults``, ``told``, ``anew`` and ``oneway`` name the edits.

    ``proven`` are the rules whose values two creates have shown to differ; ``reason`` says why a kind was not tried.
    """

    gvk: str
    counts: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    told: list = field(default_factory=list)
    anew: list = field(default_factory=list)
    oneway: list = field(default_factory=list)
    proven: set = field(default_factory=set)
    reason: str = ""

    def fault(self, what, variant, path, detail):
        self.counts[what] += 1
        self.faults.append({"what": what, "variant": variant, "path": path, "detail": detail})

    def tell(self, variant, path, rules):
        self.counts["told"] += 1
        self.told.append({"variant": variant, "path": path, "rules": sorted(rules)})

    def allotted_anew(self, variant, path, rules):
        self.counts["anew"] += 1
        self.anew.append({"variant": variant, "path": path, "rules": sorted(rules)})

    def one_way(self, variant, path, detail):
        self.counts["oneway"] += 1
        self.oneway.append({"variant": variant, "path": path, "detail": detail})
