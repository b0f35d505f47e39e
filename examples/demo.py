"""The main job on a real API server that is started for it: make demo

Runs the other examples one after the other, each as its user would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from genreconcile.testing import ControlPlane

EXAMPLES = (("deployments.py", "--v=4"), ("custom_resource.py",), ("drift.py",))


def main() -> None:
    """Start a control plane, run the examples against it, stop it."""
    print("Starting etcd and kube-apiserver; the first time they are built, which takes about 10 minutes.", flush=True)
    with ControlPlane() as control_plane:
        print(f"Kubernetes {control_plane.version} is ready.", flush=True)
        for name, *options in EXAMPLES:
            command = [name, *options, "--kubeconfig", str(control_plane.kubeconfig)]
            print(f"\n$ python examples/{name} {' '.join(options)}", flush=True)
            subprocess.run([sys.executable, Path(__file__).parent / command[0], *command[1:]], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
