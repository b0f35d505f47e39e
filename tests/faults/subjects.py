"""What the fault scenarios are about: a Reconciler, or a controller in its place.

Invariant: a scenario that one of them does not go through says why, in one line.
"""

from __future__ import annotations

from faults.operating import operator
from faults.oracles import engine

SUBJECTS = {"reconciler": engine, "controller": operator}
"""Each opens on a ground, and answers ``reconcile``."""

ALONE = {
    "01": "one run of a process; of a controller's see the small worlds",
    "04": "a plan that is carried out later; a controller's runs plan anew",
    "06": "the cache alone, which a controller shares",
    "08": "the cache alone, which a controller shares",
    "09": "the cache alone, which a controller shares",
    "10": "the cache alone, which a controller shares",
    "11": "the cache alone, and a single call; of a program see 33",
    "12": "the cache alone, which a controller shares",
    "14": "the cache alone, which a controller shares",
    "20": "a controller's empty set is meant; of functions that end early see 34 to 36",
    "24": "the cache alone, which a controller shares",
    "29": "the cache alone, which a controller shares",
    "31": "only a controller has parents",
    "32": "only a controller has parents; of a child's kind see 18",
    "33": "a program that goes on by itself; of single calls see 13",
    "34": "only a controller has a function",
    "35": "only a controller has a function",
    "36": "only a controller has a function; of wrong objects see 23",
    "37": "only a controller has a function",
    "38": "watches of parents and children; of the cache see 07",
    "39": "a program that goes on by itself; of single calls see 25",
    "40": "a program that starts; a single call ends with the error",
}
"""Why a scenario is one subject's alone."""
