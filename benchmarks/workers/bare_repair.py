"""The floor of a repair: a script that watches, and patches what it sees."""

from __future__ import annotations

import json

from benchmarks.bare import JSON_PATCH, Server
from benchmarks.edits import ANNOTATION, removal
from benchmarks.workers.common import arguments, ready, report
from benchmarks.workload import COLLECTION


def main() -> None:
    """Says READY, then prints repaired after ``count`` repairs."""
    options = arguments(count=int)
    server = Server(options.kubeconfig)
    writer, reader = server.connect(), server.connect()
    path = COLLECTION.format(options.namespace)
    version = writer.get(path, {"limit": "1"})["metadata"]["resourceVersion"]
    events = reader.watch(path, version)
    body = json.dumps([removal()]).encode()
    ready()
    repaired = 0
    while repaired < options.count:
        _, obj = next(events)
        if ANNOTATION in obj["metadata"].get("annotations", {}):
            writer.request("PATCH", f"{path}/{obj['metadata']['name']}", body, JSON_PATCH)
            repaired += 1
    report(repaired=repaired)


if __name__ == "__main__":
    main()
