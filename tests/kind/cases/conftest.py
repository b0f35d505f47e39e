"""A world for each test, and the definition that the tests share."""

import pytest
from world import World, load

import genreconcile as gr


@pytest.fixture(scope="session")
def cluster(control_plane):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(load("sample.yaml")).raise_for_failures()
    return cluster


@pytest.fixture
def world(cluster, namespace):
    with gr.Reconciler(cluster) as reconciler:
        yield World(cluster, namespace, reconciler)
