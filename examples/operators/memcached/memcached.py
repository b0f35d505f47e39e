"""An operator: a Memcached is a Deployment of so many replicas, a Service, and a status that names the Pods."""

from collections.abc import Iterator

import genreconcile as gr


@gr.controller("cache.example.com/v1/Memcached", name="memcached")
def memcached(parent: gr.Object, ctx: gr.Context) -> Iterator[gr.Object]:
    """The objects that should exist for this parent."""
    labels = {"app": "memcached", "memcached": parent["metadata"]["name"]}
    pods = ctx.list("v1/Pod", selector=labels)
    ctx.status["nodes"] = [pod["metadata"]["name"] for pod in pods if ctx.is_ready(pod)]
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": parent["metadata"]["name"], "labels": labels},
        "spec": {
            "replicas": parent["spec"]["size"],
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "memcached", "image": "memcached:1.6.39", "args": ["-m=64"]}]},
            },
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": parent["metadata"]["name"], "labels": labels},
        "spec": {"selector": labels, "ports": [{"port": 11211}]},
    }


if __name__ == "__main__":
    gr.run(memcached)
