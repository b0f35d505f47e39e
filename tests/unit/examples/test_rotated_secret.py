"""The operator of a Secret that others rotate, as its author tests it."""

import base64

import pytest

from unit.examples import examples

KIND, DEPLOYMENT, SECRET = "apps.example.com/v1/Backend", "apps/v1/Deployment", "v1/Secret"


@pytest.fixture
def fake():
    with examples.cluster("rotated_secret") as fake:
        yield fake


@pytest.fixture
def run(fake):
    with fake.run(examples.module("rotated_secret/backend.py").backend) as run:
        run.advance(seconds=2)
        yield run


def digest(fake):
    template = fake.get(DEPLOYMENT, "orders")["spec"]["template"]
    return template["metadata"]["annotations"]["apps.example.com/credentials"]


def rotate(fake, password):
    value = base64.b64encode(password).decode()
    fake.patch(SECRET, "database", {"op": "replace", "path": "/data/PASSWORD", "value": value})


def test_a_new_password_rolls_the_deployment(fake, run):
    before = digest(fake)
    rotate(fake, b"second")
    run.advance(seconds=2)
    assert digest(fake) != before
    assert fake.get(KIND, "orders")["status"]["credentials"] == digest(fake)[:8]
    rotate(fake, b"first")
    run.advance(seconds=2)
    assert digest(fake) == before


def test_another_secret_and_another_label_change_nothing(fake, run):
    run.writes.clear()
    fake.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}})
    fake.patch(SECRET, "database", {"op": "add", "path": "/metadata/labels", "value": {"rotated": "today"}})
    run.advance(seconds=2)
    assert run.writes == []


def test_without_the_secret_what_runs_goes_on(fake, run):
    before = digest(fake)
    fake.delete(SECRET, "database")
    run.advance(seconds=2)
    assert digest(fake) == before
    assert examples.conditions(fake.get(KIND, "orders"))["Ready"] == "False"
    fake.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database"}, "data": {"PASSWORD": "eA=="}})
    run.advance(seconds=2)
    assert digest(fake) != before


def test_no_write_holds_the_password(fake, run):
    rotate(fake, b"c4n4ry")
    run.advance(seconds=2)
    told = str(run.writes)
    assert "orders" in told
    assert "c4n4ry" not in told
    assert base64.b64encode(b"c4n4ry").decode() not in told
