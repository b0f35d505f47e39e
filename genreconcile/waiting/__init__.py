"""Waiting until objects are ready, and what holds up those that are not.

Invariant: the cache's events alone end a wait early; requests are sent only when it is over.
"""

from genreconcile.waiting.blocked import Waited
from genreconcile.waiting.gate import WaveGate
from genreconcile.waiting.objects import Readying

__all__ = ["Readying", "Waited", "WaveGate"]
