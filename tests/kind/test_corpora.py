"""All five corpora: the second apply sends nothing, and random edits of every object are found and repaired.

The corpora lie beside the checkout and are no part of the project.
"""

from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.corpora import EDITS, Corpora, totals

CORPUS = Path(__file__).parents[3] / "shared/corpus"
OBJECTS, FAULTY = 514, 4

pytestmark = [
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpora are not there: {CORPUS}"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def objects():
    return [loaded.obj for loaded in gr.load(sorted(CORPUS.glob("*.yaml")))]


@pytest.fixture(scope="module")
def plane(objects):
    with ControlPlane(extra_apiserver_args=["--allow-privileged=true"]) as plane:
        named = {obj["metadata"].get("namespace", "default") for obj in objects}
        for name in sorted(named | {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Namespace"}):
            plane.create_namespace(name)
        yield plane


@pytest.fixture(scope="module")
def applied(plane, objects):
    """The results of the first and of the second apply, and the good objects as they were sent."""
    with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig))) as reconciler:
        first = reconciler.reconcile(objects)
        good = [outcome.change.expected for outcome in first if outcome.status != "failed"]
        return first, reconciler.reconcile(good), good


@pytest.fixture(scope="module")
def rows(applied, plane):
    _, _, good = applied
    rows = Corpora(plane.kubeconfig).run(good)
    for row in rows:
        for entry in (*row.told, *row.anew):
            print(row.gvk, "told, or allotted anew:", entry["path"], *entry["rules"])
        for entry in row.oneway:
            print(row.gvk, "one way:", entry["path"], entry["detail"])
    print(totals(rows))
    return rows


def test_all_but_the_faulty_are_applied(applied, objects):
    first, _, good = applied
    assert len(objects) == OBJECTS
    assert [str(outcome) for outcome in first.failures if not isinstance(outcome.error, gr.InputError)] == []
    assert len(good) == OBJECTS - FAULTY


def test_the_second_apply_sends_no_patch(applied):
    _, second, _ = applied
    assert [str(outcome) for outcome in second if outcome.status != "unchanged" or outcome.reason] == []


@pytest.mark.parametrize("what", ["spurious", "missed", "not found", "unrepaired", "not minimal", "error"])
def test_there_is_no_fault(rows, what):
    assert [(row.gvk, f["path"], f["detail"]) for row in rows for f in row.faults if f["what"] == what] == []


def test_some_edits_of_every_object_are_found_and_repaired(rows):
    assert [(row.gvk, dict(row.counts)) for row in rows if row.counts["repaired"] < EDITS] == []
    assert len(rows) == OBJECTS - FAULTY
