"""Hypothesis for all tests: the same examples in each run, and no limit on time, which a busy machine would break.

And no test of a compiled module whose source has changed since.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=2000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_ROOT = Path(__file__).resolve().parents[1]


def is_stale(compiled: Path) -> bool:
    """Whether an extension module is older than the source beside it."""
    source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
    return source.exists() and source.stat().st_mtime > compiled.stat().st_mtime


def pytest_sessionstart():
    if stale := [path.name for path in (_ROOT / "genreconcile").rglob("*.so") if is_stale(path)]:
        pytest.exit(
            f"{stale[0]}: older than its source: run `python tools/compile_modules.py`, with --clean to remove it", 4
        )
