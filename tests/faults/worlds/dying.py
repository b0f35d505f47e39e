"""A process that reconciles a small world and kills itself by SIGKILL at its nth write.

Run as ``python -m faults.worlds.dying KUBECONFIG SUFFIX NTH MOMENT``. ``MOMENT`` is ``sent``: all bytes of the request
are on their way and nobody reads the answer; or ``answered``: the answer is there and nothing has come of it.
"""

import itertools
import os
import signal
import sys
import threading

import genreconcile as gr
from faults.worlds.small import World
from genreconcile.cluster import exchange as module

_WRITES = {b"POST", b"PATCH", b"DELETE"}
_REVIEWS = b"/apis/authorization.k8s.io/"
"""What asks for rights is no write."""


def die_at(nth, moment):
    """From now on count the writes of this process, whatever thread sends them."""
    numbers, here = itertools.count(1), threading.local()
    exchange, wait = module.exchange, module.Response.read_head

    def noted(pool, request, timeout):
        method, path, *_ = request.split(maxsplit=2)
        here.is_write = method in _WRITES and not path.startswith(_REVIEWS)
        return exchange(pool, request, timeout)

    def read_head(response):
        number = next(numbers) if here.is_write else 0
        if number == nth and moment == "sent":
            os.kill(os.getpid(), signal.SIGKILL)
        wait(response)
        if number == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    module.exchange, module.Response.read_head = noted, read_head


def main():
    kubeconfig, suffix, nth, moment = sys.argv[1:]
    world = World(suffix)
    die_at(int(nth), moment)
    with gr.Reconciler(gr.connect(kubeconfig=kubeconfig)) as reconciler:
        reconciler.reconcile(world.expected(), **world.settings)


if __name__ == "__main__":
    main()
