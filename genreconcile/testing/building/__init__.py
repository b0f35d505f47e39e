"""Builds Kubernetes from its Go modules; only ``testing.sources`` imports this package.

Invariant: a program that was built once is found again in the user's cache folder.
"""
