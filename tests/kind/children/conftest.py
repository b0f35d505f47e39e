"""A parent, a Reconciler with the field manager of its controller, and a second namespace."""

import pytest

import genreconcile as gr
from support.children import MANAGER, plain
from support.deletion_ground import Ground


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster, field_manager=MANAGER) as reconciler:
        yield reconciler


@pytest.fixture
def parent(ground):
    return ground.post(plain(ground, "shop"))


@pytest.fixture
def other(ground, control_plane):
    return control_plane.create_namespace(ground.namespace + "-other")
