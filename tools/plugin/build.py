"""Build kubectl's plugin for krew: an archive for this platform and this Python, and the manifest that names it.

``python tools/plugin/build.py --uri URL [--wheel FILE] [--out dist]``: the archive holds genreconcile, the packages
that it needs, and a launcher that finds the Python for which they were built. Without a wheel the tree is built.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAME = "genreconcile"
_HOME = "https://genreconcile.dev"
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_LAUNCHER = """#!/bin/sh
# Starts the genreconcile beside this file with the Python for which it was built.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
lib=$(CDPATH= cd "$(dirname "$self")" && pwd)/lib
for python in python{version} python3; do
  if [ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = {version} ]; then
    exec "$python" -I -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "kubectl-{name}"
from genreconcile.cli import main
sys.exit(main())' "$lib" "$@"
  fi
done
echo "kubectl-{name}: needs Python {version} as python{version} or python3: install it, or use pip install {name}" >&2
exit 2
"""


def archive(wheel: str, folder: Path) -> Path:
    """The archive, in ``folder``."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory(prefix="genreconcile-plugin-") as made:
        root = Path(made)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(root / "lib"), f"{wheel}[cli]"], check=True)
        shutil.rmtree(root / "lib/bin", ignore_errors=True)
        launcher = root / f"kubectl-{NAME}"
        launcher.write_text(_LAUNCHER.format(version=version, name=NAME), "utf-8")
        launcher.chmod(0o755)
        shutil.copy(ROOT / "LICENSE", root / "LICENSE")
        file = folder / f"kubectl-{NAME}-{platform.system().lower()}-{_architecture()}-py{version}.tar.gz"
        with tarfile.open(file, "w:gz", compresslevel=9) as tar:
            for path in sorted(root.rglob("*")):
                tar.add(path, str(path.relative_to(root)), recursive=False, filter=_plain)
    return file


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the owner, who is a matter of this machine."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _architecture() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def manifest(file: Path, version: str, uri: str) -> dict[str, Any]:
    """What krew reads, for one archive."""
    labels = {"os": platform.system().lower(), "arch": _architecture()}
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": NAME},
        "spec": {
            "version": f"v{semantic(version)}",
            "homepage": _HOME,
            "shortDescription": "Bring a cluster to exactly the state of your files",
            "description": "Compares every field of the objects in files with the cluster, shows what differs, and\n"
            "repairs exactly that, for all kinds, custom ones included.\n",
            "caveats": f"It needs Python {sys.version_info[0]}.{sys.version_info[1]} on the PATH.\n",
            "platforms": [
                {
                    "selector": {"matchLabels": labels},
                    "uri": uri.format(archive=file.name),
                    "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                    "bin": f"kubectl-{NAME}",
                }
            ],
        },
    }


def semantic(version: str) -> str:
    """A version of Python's as krew wants it: 0.2.0rc1 is 0.2.0-rc.1."""
    found = re.fullmatch(r"(\d+\.\d+\.\d+)(?:\.?(a|b|rc|dev)(\d+))?(?:\+.*)?", version)
    if found is None:
        raise SystemExit(f"{version}: is no version of three numbers")
    return f"{found[1]}-{found[2]}.{found[3]}" if found[2] else found[1]


def _wheel(folder: Path) -> Path:
    """The wheel of the tree."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    return next(folder.glob(f"{NAME}-*.whl"))


def main() -> None:
    """Build, and print both paths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the wheel to pack; by default that of the tree")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--uri", required=True, help="where the archive will be found, with {archive} for its name")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="genreconcile-wheel-") as folder:
        wheel = options.wheel or _wheel(Path(folder))
        file = archive(str(wheel.resolve()), options.out)
    data = manifest(file, wheel.name.split("-")[1], options.uri)
    made = options.out / f"{NAME}.yaml"
    made.write_text(json.dumps(data, indent=2) + "\n", "utf-8")  # JSON is YAML.
    print(file)
    print(made)


if __name__ == "__main__":
    main()
