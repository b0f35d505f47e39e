"""pytest fixtures: a control plane for the whole run, a namespace for each test, and a cluster in memory for each test.

The entry point ``pytest11`` loads it in every run. Invariant: what a run does not use is not imported.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from genreconcile.testing.control_plane import ControlPlane
    from genreconcile.testing.fake.fakecluster import FakeCluster

__all__ = ["control_plane", "fake_cluster", "namespace", "pytest_collection_finish"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch or build the control plane before the first test, whose time limit does not allow for it."""
    wanted = any("control_plane" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        from genreconcile.testing.options import PlaneOptions
        from genreconcile.testing.planes import prepare_ahead

        with _uncaptured(session.config):
            prepare_ahead(PlaneOptions())


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A control plane; shared, so tests keep to a namespace of their own. Its logs are kept when a test failed."""
    from genreconcile.testing.control_plane import ControlPlane
    from genreconcile.testing.progress import say

    plane = ControlPlane()
    plane.start()
    yield plane
    if kept := plane.stop(keep_logs=bool(request.session.testsfailed)):
        with _uncaptured(request.config):
            say(f"control plane: the logs are kept in {kept}")


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """The name of a new namespace with the ServiceAccount ``default``."""
    return control_plane.create_namespace(f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def fake_cluster() -> Iterator[FakeCluster]:
    """A new cluster in memory, empty but for the namespaces that every cluster has."""
    from genreconcile.testing.fake.fakecluster import FakeCluster

    with FakeCluster() as cluster:
        yield cluster


def _uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    capture = config.pluginmanager.getplugin("capturemanager")
    disabled: AbstractContextManager[None] = capture.global_and_fixture_disabled() if capture else nullcontext()
    return disabled
