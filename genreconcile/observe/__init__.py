"""What a program tells of itself: figures, Events, and its endpoints.

Invariant: nothing here fails or delays a run; third parties' packages are imported where they are used.
"""

from genreconcile.observe.events import EventCounts, Recorder
from genreconcile.observe.figures import Counts, Figures, Histogram
from genreconcile.observe.listener import Listener, parse_address
from genreconcile.observe.measures import Measures
from genreconcile.observe.observer import Observer, Observing, silent
from genreconcile.observe.state import Kept, State, kinds_of
from genreconcile.observe.tracing import span

__all__ = [
    "Counts",
    "EventCounts",
    "Figures",
    "Histogram",
    "Kept",
    "Listener",
    "Measures",
    "Observer",
    "Observing",
    "Recorder",
    "State",
    "kinds_of",
    "parse_address",
    "silent",
    "span",
]
