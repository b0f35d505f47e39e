"""A program under a Lease, in a process of its own: python leased_program.py JOB

The job says where, and for how long. Once the file ``stop_at`` is there, the process stops itself at the next write
that is allowed: between the question and the bytes. It is continued from outside, and goes on only once its Lease has
passed. Each question is a line in the file ``questions``: its time and its answer.
"""

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

import genreconcile as gr
from genreconcile.controllers.program import run
from genreconcile.election import Writes, boottime
from unit.controllers.things import THING, config


def stated(parent, _):
    for name in parent["spec"]["names"]:
        yield config(name, value=parent["spec"]["value"])


class Failpoint:
    """Takes the place of the question."""

    def __init__(self, stop_at, questions, seconds):
        self.stop_at, self.questions, self.seconds = Path(stop_at), Path(questions), seconds
        self.question = Writes.may_write

    def ask(self, writes):
        answer = self.question(writes)
        with self.questions.open("a") as file:
            file.write(f"{boottime()} {answer}\n")
        if answer and self.stop_at.exists():
            self.stop_at.unlink()
            end = boottime() + self.seconds
            os.kill(os.getpid(), signal.SIGSTOP)
            while boottime() < end:  # A thread may run on for a moment before all of the process stand.
                time.sleep(0.001)
            with self.questions.open("a") as file:
                file.write(f"{boottime()} continued\n")
        return answer


def main(job):
    logging.basicConfig(level=logging.INFO)
    asked = json.loads(Path(job).read_text())
    lease = gr.Lease(**asked["lease"])
    failpoint = Failpoint(asked["stop_at"], asked["questions"], lease.duration)

    def may_write(writes):
        return failpoint.ask(writes)

    Writes.may_write = may_write
    controller = gr.controller(THING, name="things", min_interval=0)(stated)
    cluster = gr.connect(kubeconfig=asked["kubeconfig"])
    try:
        run(controller, cluster=cluster, namespaces=[asked["namespace"]], lease=lease)
    except gr.NotLeading as error:
        print(error, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
