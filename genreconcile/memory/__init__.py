"""What is remembered of objects while the program runs: what the server did with patches, and who undoes them.

Invariant: what is remembered is bounded, and safe for threads.
"""
