"""Controllers: functions that state the children of a parent, and what runs them again.

Invariant: nothing here knows a kind, and nothing is written but by the Reconciler.
"""
