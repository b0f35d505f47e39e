"""The contract of ``Cluster``, on a real API server with its controllers."""

import contextlib
import functools

import pytest

from genreconcile.cluster import connect
from genreconcile.testing import ControlPlane
from support.contract import CASES, Forgotten, Place
from support.contract.kinds import SHARED
from support.eventually import eventually

# History is forgotten soon, as no test can wait for five minutes.
FORGETFUL = ["--etcd-compaction-interval=3s"]
# The garbage collector looks for new kinds every 30 seconds.
PATIENT = functools.partial(eventually, timeout=120.0)


@pytest.fixture(scope="module")
def new_place():
    """Makes places with a namespace of their own."""
    with (
        ControlPlane(controller_manager=True, extra_apiserver_args=FORGETFUL) as plane,
        contextlib.closing(connect(kubeconfig=str(plane.kubeconfig))) as cluster,
    ):

        def made():
            place = Place(cluster, "", settle=PATIENT)
            place.namespace = plane.create_namespace(place.name("contract"))
            return place

        yield made


@pytest.fixture(scope="module")
def old(new_place):
    """Grows old while other cases run; the shared kinds too, for young ones let their first writer wait."""
    place = new_place()
    for kind in SHARED:
        place.kind(kind)
    return Forgotten.of(place)


@pytest.fixture
def place(new_place, old):
    found = new_place()
    found.forgotten = lambda: old
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_api_server(place, case):
    case(place)
