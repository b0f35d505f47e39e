"""An API server in memory.

Invariant: what it answers, it answers as the real server does; what it cannot do it refuses.
"""
