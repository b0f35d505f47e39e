"""Record anew what a real API server makes of the objects in tests/support/contract/recorded.

Usage: record.py

An entry of these files holds ``sent``, an object without a name; this writes ``answer``. See support.contract.built_in.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from support.contract import Place  # noqa: E402 - the tests are no package
from support.contract.built_in import answer_to  # noqa: E402 - as above


class Flat(yaml.SafeDumper):
    """Short maps and lists stand in one line, and nothing refers to another place."""

    def ignore_aliases(self, data: Any) -> bool:
        """Every value is written out."""
        del data
        return True


def record(new_place: Callable[[], Place], file: Path) -> None:
    """Write the answers to all objects of one file, each in a namespace of its own."""
    text = file.read_text("utf-8")
    head = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("#"))
    entries = yaml.safe_load(text)
    for entry in entries:
        is_cluster_scoped = entry.get("cluster", False)
        entry["answer"] = answer_to(new_place(), entry["path"], entry["sent"], is_cluster_scoped=is_cluster_scoped)
        head += yaml.dump([entry], Dumper=Flat, sort_keys=False, default_flow_style=None, width=118, allow_unicode=True)
    file.write_text(head, "utf-8")
    print(f"{file.name}: {len(entries)} objects")


def main() -> None:
    """Record all files, on a control plane of its own."""
    with ControlPlane() as plane, closing(gr.connect(kubeconfig=str(plane.kubeconfig))) as cluster:
        names = map("recorded-{}".format, itertools.count())
        for file in sorted((TESTS / "support/contract/recorded").glob("*.yaml")):
            record(lambda: Place(cluster, plane.create_namespace(next(names))), file)


if __name__ == "__main__":
    main()
