"""What the examples of docs/operators.md call, and how the build of the docs and the tests run them."""

import contextlib

from genreconcile.testing import FakeCluster
from unit.controllers.things import definition, thing

APP = "example.com/v1/App"


def deployment(parent, replicas=1, digest=""):
    labels = {"app": parent["metadata"]["name"]}
    template = {
        "metadata": {"labels": labels, "annotations": {"digest": digest}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.29"}]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def migration(parent):
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "migrate:1"}]}
    name = f"migrate-{parent['spec'].get('version', 1)}"
    spec = {"template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


async def wanted_replicas(parent):
    return parent["spec"].get("replicas", 3)


def digest_of(data):
    return data["password"]


def account_is_closed(_):
    return True


@contextlib.contextmanager
def ran(*controllers, objects=(), **spec):
    """A cluster with an App ``web``, in which these controllers have run."""
    app = thing("web", "App", **spec)
    with FakeCluster([definition("App"), definition("Part"), app, *objects], namespace="shop") as fake:
        with fake.run(*controllers) as run:
            run.settle()
        yield fake


def condition_of(fake, kind):
    """A condition of the App, as the page shows it."""
    (one,) = (one for one in fake.get(APP, "web")["status"]["conditions"] if one["type"] == kind)
    return f"{kind} {one['status']} {one['reason']}: {one['message']}"
