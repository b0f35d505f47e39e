"""Record what the engine sends for real manifests, for random edits and in small worlds, and compare two recordings.

`python tools/house/traffic.py record FILE`, and after a change, with PYTHONPATH naming the tree to be recorded, once
more; `python tools/house/traffic.py compare A B` prints a unified diff of the calls that differ, and the exit code is
1 where there is one. `--edits N` takes fewer edits than 2,000; `--corpus FOLDER` names the folder of manifests, by
default `shared/corpus` beside the checkout. What is not there is skipped, and said.
Uids, resourceVersions, times and what servers allot are replaced. Only public names of the package are used.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_MOST = 400  # Lines of a diff.


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("file", type=Path)
    recording.add_argument("--edits", type=int, default=2000)
    recording.add_argument("--seed", type=int, default=1)
    recording.add_argument("--corpus", type=Path)
    recording.add_argument("--no-worlds", dest="worlds", action="store_false")
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "record":
        return record(options)
    before, after = (json.loads(file.read_text("utf-8")) for file in (options.before, options.after))
    lines = list(itertools.islice(differences(before, after), _MOST + 1))
    print("\n".join(lines[:_MOST]) or "the same traffic")
    if len(lines) > _MOST:
        print("… and more")
    return int(bool(lines))


def record(options: argparse.Namespace) -> int:
    """Write a recording."""
    import scenes

    import genreconcile as gr
    from genreconcile.testing import ControlPlane

    bodies: dict[str, Any] = {}
    told: dict[str, Any] = {"scenes": {}, "skipped": [], "bodies": bodies}
    folder = options.corpus or scenes.ROOT.parent / "shared/corpus"
    files = sorted(folder.glob("*.yaml"))
    if not files:
        told["skipped"].append("corpora")
        print(f"skipped: the corpora: none in {folder}")
    print(f"recording {Path(gr.__file__).parent}")
    with ControlPlane(extra_apiserver_args=["--allow-privileged=true"]) as plane:
        for file in files:
            _keep(told, scenes.corpus(plane, file, options.seed, bodies))
        _keep(told, scenes.edits(plane, options.edits, options.seed, bodies))
        _keep(told, scenes.changes(plane, bodies))
    if options.worlds and scenes.found("class World") and scenes.found("class ScriptedServer"):
        _keep(told, scenes.worlds(bodies))
    else:
        told["skipped"].append("worlds")
        print("skipped: the fault worlds")
    options.file.write_text(json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    calls = [call for scene in told["scenes"].values() for call in scene["calls"]]
    writes = sum(len(call["writes"]) for call in calls)
    print(f"{len(told['scenes'])} scenes, {len(calls)} calls, {writes} writes")
    return 0


def _keep(told: dict[str, Any], scenes: Iterator[tuple[str, dict[str, Any]]]) -> None:
    started = time.monotonic()
    for name, scene in scenes:
        told["scenes"][name] = scene
        writes = sum(len(call["writes"]) for call in scene["calls"])
        print(f"{time.monotonic() - started:6.1f} s  {name}: {writes} writes", flush=True)


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """The lines of a unified diff, of the scenes that differ."""
    if before["skipped"] != after["skipped"]:
        yield f"skipped: {before['skipped']} before, {after['skipped']} after"
    for name in sorted(before["scenes"].keys() | after["scenes"].keys()):
        old, new = (recording["scenes"].get(name) for recording in (before, after))
        if old != new:
            lines = [list(_lines(scene, told["bodies"])) for scene, told in ((old, before), (new, after))]
            yield from difflib.unified_diff(*lines, f"before: {name}", f"after: {name}", lineterm="", n=4)


def _lines(scene: dict[str, Any] | None, bodies: dict[str, Any]) -> Iterator[str]:
    if scene is None:
        return
    for call in scene["calls"]:
        yield f"call {call['call']}"
        for target, content_type, body in call["writes"]:
            yield f"  {target} ({content_type})"
            is_long = body.startswith("body ")
            found = bodies[body.removeprefix("body ")] if is_long else json.loads(body or "null")
            yield from (f"    {line}" for line in json.dumps(found, indent=1, ensure_ascii=False).splitlines())
        yield from (f"  = {outcome}" for outcome in call["outcomes"])
    yield from (f"read {read}" for read in scene["reads"])


if __name__ == "__main__":
    sys.exit(main())
