"""Record what a real API server makes of objects, as data for genreconcile/testing/fake/builtin.

Usage: record_defaults.py [RECORDS]      RECORDS, lines of JSON, are written, or read where the file is there

Thousands of dry runs tell which fields the server fills in and on what that depends (``defaults.yaml``), and how its
types write what is not set (``encoding.yaml``). What no rule explains is listed: it needs a rule or a function in
``computed.yaml``. It takes some five minutes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from asking import ROOT, Asker, kinds, records, statuses
from encoding import Natures, go_types
from learning import Learner, walk

from genreconcile.testing import ControlPlane
from genreconcile.testing.fake.builtin import types
from genreconcile.testing.fake.builtin.decode import decoded
from genreconcile.testing.fake.kinds import Kind

DATA = ROOT / "genreconcile" / "testing" / "fake" / "data"
_ALTERNATIVES = "alternatives"


def kept(asker: Asker, file: Path | None) -> list[dict[str, Any]]:
    """The records; those of the file where there is one."""
    if file is None:
        return list(records(asker))
    if not file.exists():
        lines = (json.dumps(record) + "\n" for record in records(asker))
        file.write_text("".join(lines), "utf-8")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def without_status(record: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """What was sent, less the status, which the server ignores where it is written by itself."""
    return {name: value for name, value in record["sent"].items() if name != "status" or not kind.has_status}


def computed() -> dict[str, set[str]]:
    """By type, the fields that functions fill in."""
    known = yaml.safe_load((DATA / "computed.yaml").read_text("utf-8"))
    return {name: {field for rule in own for field in rule.get("fills", ())} for name, own in known.items()}


def write_encoding(found: Iterable[Mapping[str, Any]], asker: Asker) -> None:
    """``encoding.yaml``, anew but for what is written by hand."""
    natures, by_name = Natures(computed()), {kind.kind: kind for kind in kinds()}
    for record in found:
        kind = by_name[record["kind"]]
        root = types.root_of(kind)
        if root is not None:
            natures.see(without_status(record, kind), record["answer"], root)
    for record in statuses(asker):
        root = types.root_of(by_name[record["kind"]])
        if root is not None:
            natures.see(record["sent"], record["answer"], root.fields["status"].type)
    told = go_types(asker)
    content = {**natures.found(), "types": told, _ALTERNATIVES: types.encoding()[_ALTERNATIVES]}
    (DATA / "encoding.yaml").write_text("".join(sections(content)), "utf-8")


def sections(content: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """YAML with a line for each type."""
    yield "# Written by tools/fake/record_defaults.py; builtin/types.py says what it is.\n"
    for section, own in content.items():
        yield f"{section}:\n"
        for name, value in own.items():
            yield f"  {name}: {flow(value)}\n"


def flow(value: Any) -> str:
    """YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("\n...\n").strip()


def write_defaults(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """``defaults.yaml``; returns what is unexplained."""
    known, by_name = computed(), {kind.kind: kind for kind in kinds()}
    learner = Learner(known)
    for record in found:
        kind = by_name[record["kind"]]
        root = types.root_of(kind)
        if root is not None:
            sent = decoded(without_status(record, kind), kind).obj
            for seen in walk(sent, record["answer"], root, kind.kind, known):
                learner.see(seen)
    lines = ["# Written by tools/fake/record_defaults.py; builtin/defaults.py says what it is.\n"]
    for name, own in learner.rules().items():
        lines += [f"{name}:\n", *(f"- {flow(rule)}\n" for rule in own)]
    (DATA / "defaults.yaml").write_text("".join(lines), "utf-8")
    return learner.unexplained


def main() -> None:
    """Ask, learn, write, and list what is left."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with ControlPlane() as plane:
        asker = Asker(str(plane.kubeconfig))
        found = kept(asker, file)
        write_encoding(found, asker)
    for cached in (types.encoding, types.named):
        cached.cache_clear()
    unexplained = write_defaults(found)
    print("\n".join([f"{len(found)} answers; unexplained: {len(unexplained)}", *unexplained]))


if __name__ == "__main__":
    main()
