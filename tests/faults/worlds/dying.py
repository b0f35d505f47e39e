"""A process that reconciles a small world and kills itself by SIGKILL at its nth write.

Run as ``python -m faults.worlds.dying KUBECONFIG SUFFIX NTH MOMENT``. ``MOMENT`` is ``sent``: all bytes of the request
are on their way and nobody reads the answer; or ``answered``: the answer is there and nothing has come of it.
"""

import http.client
import itertools
import os
import signal
import sys

import genreconcile as gr
from faults.worlds.small import World

_WRITES = {"POST", "PATCH", "DELETE"}


def die_at(nth, moment):
    """From now on count the writes of this process, whatever thread sends them."""
    numbers = itertools.count(1)
    wait = http.client.HTTPConnection.getresponse

    def getresponse(connection, *arguments):
        number = next(numbers) if connection._method in _WRITES else 0
        if number == nth and moment == "sent":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = wait(connection, *arguments)
        if number == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    http.client.HTTPConnection.getresponse = getresponse


def main():
    kubeconfig, suffix, nth, moment = sys.argv[1:]
    world = World(suffix)
    die_at(int(nth), moment)
    with gr.Reconciler(gr.connect(kubeconfig=kubeconfig)) as reconciler:
        reconciler.reconcile(world.expected(), **world.settings)


if __name__ == "__main__":
    main()
