"""The memory of a running program: what the server did with patches to an object, and which writer undoes them.

Invariant: bounded, and thread-safe.
"""
