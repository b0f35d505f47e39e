"""What tests/unit has for its processes is meant for these as well."""

from unit.conftest import pytest_collection_finish, pytest_xdist_auto_num_workers

__all__ = ["pytest_collection_finish", "pytest_xdist_auto_num_workers"]
