"""What the API server does to an object of a built-in kind on its way into the store.

Invariant: pure functions over data that a real server's answers were recorded into; the engine's own rules are not
asked.
"""
