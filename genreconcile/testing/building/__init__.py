"""Builds Kubernetes from its Go modules; only where a control plane comes from imports it.

Invariant: what was built once is found again in the user's cache folder.
"""
