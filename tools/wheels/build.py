"""Build what a release uploads: dist/*.tar.gz, the pure wheel, and the compiled wheel of this platform and Python.

Both wheels are built from the unpacked sdist, so that it is whole, and nothing of the checkout gets in. Run it by
``make wheels``. What is built is checked, see ``contents.py``; exit code 1 where it is not as it must be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import contents

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Build and check all three."""
    target = ROOT / "dist"
    for old in [*target.glob("genreconcile-*.whl"), *target.glob("genreconcile-*.tar.gz")]:
        old.unlink()
    sdist = build("--sdist", ROOT, target)
    with tempfile.TemporaryDirectory(prefix="genreconcile-wheels-") as name:
        with tarfile.open(sdist) as archive:
            archive.extractall(name, filter="data")
        (unpacked,) = Path(name).iterdir()
        wheels = [build("--wheel", unpacked, target, compiled=is_compiled) for is_compiled in (False, True)]
        faults = [fault for wheel in wheels for fault in contents.faults(wheel, ROOT, built_in=name)]
    for artifact in (sdist, *wheels):
        print(f"{artifact.relative_to(ROOT)}: {artifact.stat().st_size:,} bytes")
    print("\n".join(faults))
    return 1 if faults else 0


def build(what: str, source: Path, target: Path, *, compiled: bool = False) -> Path:
    """The artifact that the build of ``source`` puts into the folder ``target``."""
    before = set(target.glob("*"))
    wish = {"GENRECONCILE_COMPILE": "1" if compiled else ""}
    command = [sys.executable, "-m", "build", what, "--outdir", str(target), str(source)]
    done = subprocess.run(command, check=False, env=os.environ | wish, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}")
    (found,) = set(target.glob("*")) - before
    return found


if __name__ == "__main__":
    sys.exit(main())
