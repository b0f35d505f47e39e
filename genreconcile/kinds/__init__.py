"""What the server serves: its kinds, their documents, and the types that these describe.

Invariant: nothing here knows a kind; what is particular to one is data.
"""
