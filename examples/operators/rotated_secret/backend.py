"""An operator whose Pods read a Secret that others rotate: a new password rolls the Deployment."""

import hashlib
import json
from collections.abc import Iterator

import genreconcile as gr


@gr.controller("apps.example.com/v1/Backend", name="backend")
def backend(parent: gr.Object, ctx: gr.Context) -> Iterator[gr.Object]:
    """A Deployment, whose template says which passwords its Pods were started with."""
    name, credentials = parent["metadata"]["name"], parent["spec"]["credentials"]
    secret = ctx.get("v1/Secret", credentials)  # Its change runs this again, and so does its coming.
    if secret is None:
        raise gr.Retry(300, f"there is no Secret {credentials}")  # What runs already goes on.
    digest = hashlib.sha256(json.dumps(secret.get("data"), sort_keys=True).encode()).hexdigest()
    ctx.status["credentials"] = digest[:8]
    labels = {"backend": name}
    environment = [{"secretRef": {"name": credentials}}]
    container = {"name": "backend", "image": parent["spec"]["image"], "envFrom": environment}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"apps.example.com/credentials": digest}},
                "spec": {"containers": [container]},
            },
        },
    }


if __name__ == "__main__":
    gr.run(backend)
