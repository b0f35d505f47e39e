"""Statuses as real controllers write them, through both profiles."""

import collections
import shutil

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support import kstatus
from support.lives import judged, live_them, long_ago, recording, states

LIVED = {
    ("Deployment", "web"): "InProgress Current Terminating",
    ("Deployment", "stuck"): "InProgress Failed",
    ("ReplicaSet", "bare"): "InProgress Current",
    ("StatefulSet", "rolling"): "InProgress Current",
    ("StatefulSet", "manual"): "Current",
    ("DaemonSet", "agent"): "InProgress Current",
    ("Job", "once"): "InProgress Current",
    ("Job", "late"): "InProgress Failed",
    ("Job", "paused"): "InProgress Current",
    ("CronJob", "yearly"): "Current",
    ("Pod", "alone"): "InProgress Current",
    ("Pod", "nowhere"): "InProgress Failed",
    ("PersistentVolumeClaim", "bound"): "InProgress Current",
    ("PersistentVolumeClaim", "unbound"): "InProgress",
    ("Service", "inside"): "Current",
    ("Service", "outside"): "InProgress Current",
    ("PodDisruptionBudget", "web"): "Current",
    ("APIService", "v1.nobody.example.com"): "InProgress",
    ("CustomResourceDefinition", "parts.lives.example.com"): "InProgress Current",
    ("CustomResourceDefinition", "others.lives.example.com"): "InProgress Failed",
    ("Part", "one"): "InProgress Failed Current",
    ("Namespace", "lives"): "Current Terminating",
}
"""The states in which each object is seen, in whatever order and how often."""


@pytest.fixture(scope="module")
def lived():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane, recording(plane) as lives:
        live_them(lives)
    return list(states(lives.told))


def test_each_has_been_in_the_states_of_its_life(lived):
    seen = collections.defaultdict(set)
    for at, live in lived:
        seen[live["kind"], live["metadata"]["name"]].add(judged(at, live).state)
    wanted = {key: set(text.split()) for key, text in LIVED.items()}
    assert {key: wanted[key] - seen[key] for key in wanted if not wanted[key] <= seen[key]} == {}


def test_no_controller_writes_what_is_not_understood(lived):
    unknown = [(live, status) for at, live in lived if (status := judged(at, live)).state == "Unknown"]
    assert unknown == []


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go to be held against")
def test_kstatus_says_the_same(lived):
    old = [long_ago(live) for _, live in lived]
    answers = kstatus.ask(old)
    wrong = [
        (answer, status, live)
        for live, answer in zip(old, answers, strict=True)
        if (status := gr.status(live, profile="kstatus")).state != answer
    ]
    assert wrong == []
