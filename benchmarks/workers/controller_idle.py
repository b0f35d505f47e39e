"""The Memcached operator, with nothing to do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import genreconcile as gr
from benchmarks.processes import ROOT
from benchmarks.workers.common import arguments, cpu_seconds, ready, report
from benchmarks.workers.controller import settle
from genreconcile.controllers.program import Program

FOLDER = ROOT / "examples" / "operators" / "memcached"


def main() -> None:
    """Says READY once all is as it should be; prints the CPU seconds from then until a line comes."""
    options = arguments()
    with Program(_controller(FOLDER / "memcached.py"), cluster=gr.connect(kubeconfig=options.kubeconfig)) as program:
        settle()
        ready()
        begin = cpu_seconds()
        sys.stdin.readline()
        if not program.is_healthy:
            raise SystemExit("the program is not healthy")
        report(cpu_seconds=cpu_seconds() - begin)


def _controller(file: Path) -> gr.Controller:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{file} is no module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: gr.Controller = module.memcached
    return found


if __name__ == "__main__":
    main()
