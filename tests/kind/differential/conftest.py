"""What the tests of this folder share: a server, kinds of their own on it, and the table that is printed at the end."""

import pytest

import genreconcile as gr
from kind.differential.asked import Server, define
from kind.differential.tally import Tally


@pytest.fixture(scope="session")
def tally(request):
    tally = Tally()
    yield tally
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n\nHeld against Go:\n{tally}")


@pytest.fixture(scope="session")
def server(control_plane):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    yield Server(cluster, control_plane.create_namespace("differential"))
    cluster.close()


@pytest.fixture(scope="session")
def kinds(server):
    """The plural of a kind whose ``spec`` has lists of values of all types."""
    return define(server)
