"""Statuses that real controllers wrote, recorded (tools/readiness/lives.py), through both profiles."""

import collections

import pytest

import genreconcile as gr
from genreconcile.readiness import differences
from support.lives import judged, long_ago, recorded

ENTRIES = list(recorded())
CONTROLLED = {
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Deployment",
    "Job",
    "Namespace",
    "Part",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "Service",
    "StatefulSet",
}


def test_both_profiles_say_what_is_recorded():
    wrong = [
        (live, kstatus, wait)
        for at, live, kstatus, wait in ENTRIES
        if (gr.status(long_ago(live), now=at, profile="kstatus").state, judged(at, live).state) != (kstatus, wait)
    ]
    assert wrong == []


def test_they_differ_where_the_list_says_it():
    """kstatus' answers are about objects made long ago, as it asks for no time."""
    listed = {difference.id for difference in differences()}
    differing = {judged(at, live).rule for at, live, kstatus, wait in ENTRIES if kstatus != wait}
    assert differing - listed <= {"pod"}, "a Pod without a node has 15 seconds"
    assert {"failed-pod", "load-balancer-without-ingress", "running-job", "new-and-silent"} <= differing


@pytest.mark.parametrize("kind", sorted(CONTROLLED))
def test_each_kind_is_there(kind):
    assert [live for _, live, _, _ in ENTRIES if live["kind"] == kind]


def test_the_states_are_those_of_lives():
    states = collections.Counter(wait for _, _, _, wait in ENTRIES)
    assert set(states) == {"Current", "InProgress", "Failed", "Terminating"}
