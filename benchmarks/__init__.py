"""Benchmarks of genreconcile against others, in one run on one real API server: ``python -m benchmarks``."""
