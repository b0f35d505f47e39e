"""The peers in Go, and how their one program is built: ``python -m benchmarks.peers``."""
