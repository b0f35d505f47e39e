"""``namespaces`` bounds what a Reconciler touches: what is expected elsewhere is refused before any write."""

import copy
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.objects import obj

WIDGETS = yaml.safe_load((Path(__file__).parent / "widget.yaml").read_text("utf-8"))


@pytest.fixture
def elsewhere(control_plane, namespace):
    return control_plane.create_namespace(f"{namespace}-b")


@pytest.fixture
def reconciler(control_plane, namespace):
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig)), namespaces=[namespace]) as opened:
        yield opened


def config(namespace):
    return obj("v1", "ConfigMap", "c", namespace)


def test_another_namespace_is_refused(reconciler, namespace, elsewhere):
    result = reconciler.reconcile([config(namespace), config(elsewhere)])
    assert [outcome.status for outcome in result] == ["created", "failed"]
    assert "the namespace is not watched; add it to namespaces" in str(result.failures[0].error)


def test_also_of_a_kind_that_the_set_brings(reconciler, namespace, elsewhere):
    """Before its kind was served, an object went wherever it said."""
    group = f"{namespace}.boundary.genreconcile.dev"
    definition = copy.deepcopy(WIDGETS)
    definition["metadata"]["name"] = f"widgets.{group}"
    definition["spec"]["group"] = group
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    objects = [definition]
    objects += [{**widget, "metadata": {"name": "w", "namespace": where}} for where in (namespace, elsewhere)]
    assert [outcome.status for outcome in reconciler.reconcile(objects)] == ["created", "created", "failed"]


def test_nothing_is_deleted_elsewhere(reconciler, namespace, elsewhere, control_plane):
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig))) as admin:
        admin.reconcile([config(elsewhere)]).raise_for_failures()
        with pytest.raises(gr.CacheError, match="add it to namespaces"):
            reconciler.reconcile([config(namespace)], delete_from_namespace=elsewhere, delete_selector="!app")
        assert admin.reconcile([config(elsewhere)]).counts["unchanged"] == 1
        assert admin.reconcile([config(namespace)]).counts["created"] == 1, "nothing at all was written"
