"""A quick check that there surely is no drift; it makes no differences, paths or copies.

Invariant: ``is_clean`` is True only where ``compare`` would find no difference and no error; False means that only
``compare`` can tell. Property tests hold the two against each other.
"""

from genreconcile.compare.quick.check import is_clean

__all__ = ["is_clean"]
