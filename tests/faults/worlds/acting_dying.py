"""A process that runs a controller for a small world and kills itself by SIGKILL at its nth write.

Run as ``python -m faults.worlds.acting_dying KUBECONFIG SUFFIX NTH MOMENT``; ``MOMENT`` as of ``dying``.
"""

import sys
import threading

import genreconcile as gr
from faults.worlds.dying import die_at
from faults.worlds.served import BOUND, Served


def main():
    kubeconfig, suffix, nth, moment = sys.argv[1:]
    world = Served(suffix, None)
    die_at(int(nth), moment)
    with world.program(gr.connect(kubeconfig=kubeconfig)):
        threading.Event().wait(BOUND)  # It is killed long before, or has less to write than it should have.


if __name__ == "__main__":
    main()
