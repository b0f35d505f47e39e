"""A program whose parents are in shards, in a process of its own: python sharded_program.py JOB

The function waits for ``wait`` seconds before it states its children.
"""

import json
import logging
import sys
import time
from pathlib import Path

import genreconcile as gr
from genreconcile.controllers.program import run
from unit.controllers.things import THING, config


def main(job):
    logging.basicConfig(level=logging.INFO)
    asked = json.loads(Path(job).read_text())

    def stated(parent, _):
        time.sleep(asked["wait"])
        yield config(parent["metadata"]["name"], value=parent["spec"]["value"])

    controller = gr.controller(THING, name="things", min_interval=0, workers=asked["workers"])(stated)
    cluster = gr.connect(kubeconfig=asked["kubeconfig"])
    run(controller, cluster=cluster, namespaces=[asked["namespace"]], lease=gr.Lease(**asked["lease"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
