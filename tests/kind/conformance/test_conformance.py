"""Every kind: created, edited leaf by leaf, repaired. A sample of kinds, or all.

GENRECONCILE_CONFORMANCE=all tries all kinds; ``spread`` does, too, but each leaf of a pod template in one kind only.
"""

import dataclasses
import os

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.conformance import report
from kind.conformance.report import UNPREDICTABLE
from kind.conformance.suite import Suite, show
from kind.conformance.trial import SPREAD

EVERYTHING = os.environ.get("GENRECONCILE_CONFORMANCE") in {"all", "spread"}
SAMPLE = ["ConfigMap", "Service", "LimitRange", "Namespace", "NetworkPolicy", "Ingress", "StorageClass", "ClusterRole",
          "HorizontalPodAutoscaler", "PodDisruptionBudget", "DeviceTaintRule", "CSIDriver"]  # fmt: skip

pytestmark = pytest.mark.timeout(7200)


@pytest.fixture(scope="module")
def plane():
    settings = {"runtime_config": ["api/all=true"], "extra_apiserver_args": ["--allow-privileged=true"]}
    with ControlPlane(**settings) as plane:
        yield plane


@pytest.fixture(scope="module")
def rows(plane):
    rows = Suite(plane.kubeconfig).rows(() if EVERYTHING else SAMPLE, show)
    if EVERYTHING:
        report.save(plane.version, rows, spread=SPREAD)
        report.render()
    return rows


@pytest.mark.parametrize("what", ["error", "spurious", "missed", "not found", "unrepaired", "not minimal"])
def test_there_is_no_fault(rows, what):
    faults = [
        (row.gvk, fault["variant"], fault["path"], fault["detail"])
        for row in rows
        for fault in row.faults
        if fault["what"] == what
    ]
    assert faults == []


def test_no_row_is_blank(rows):
    assert [row.gvk for row in rows if not row.reason and not row.counts["tried"]] == []


def met(rows):
    return {rule for row in rows for entry in (*row.told, *row.anew) for rule in entry["rules"]}


def test_what_cannot_be_repaired_is_listed(rows):
    """The list of what cannot be predicted may only shrink."""
    assert met(rows) <= UNPREDICTABLE.keys()


@pytest.mark.skipif(not EVERYTHING, reason="a sample proves only some")
def test_two_creates_prove_what_is_said_to_differ(rows):
    """Of the values that were met: older servers do not serve them all."""
    proven = set().union(*(row.proven for row in rows))
    twice = {rule for rule, proof in UNPREDICTABLE.items() if proof == "twice"}
    assert (twice & met(rows)) - proven == set()


@pytest.mark.skipif(not EVERYTHING, reason="a sample has few kinds")
def test_every_kind_has_been_tried_or_says_why_not(rows):
    reasons = {row.gvk: row.reason for row in rows if row.reason}
    assert [
        gvk for gvk, reason in reasons.items() if not reason.startswith("cannot be tried: the server offers no")
    ] == []


def test_the_suite_sees_a_rule_that_is_missing_and_one_that_hides_too_much(plane):
    rules = {rule.id: rule for rule in gr.Registry.builtin().rules}
    del rules["storage-class-reclaim-policy"]
    hides = rules["csi-storage-capacity"]
    rules[hides.id] = dataclasses.replace(hides, action="ignore", argument=True)
    rows = Suite(plane.kubeconfig, gr.Registry(rules.values())).rows(["StorageClass", "CSIDriver"])
    faults = {(fault["what"], fault["variant"], fault["path"]) for row in rows for fault in row.faults}
    assert ("spurious", "minimal", "/reclaimPolicy") in faults
    assert ("missed", "minimal", "/spec/storageCapacity") in faults
    assert {path for _, _, path in faults} == {"/reclaimPolicy", "/spec/storageCapacity"}
