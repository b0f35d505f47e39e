"""What a kubelet does for the Pods of one namespace, without images: it starts their command as the server has it, and
tells the server whether they are ready.

A process has the host name, the mounts and the read-only root of its Pod, in namespaces of Linux of its own, and no
credential but the token in its mounts. Its image is this checkout. Pods share one network here, so each gets another
port than it says.
"""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import genreconcile as gr

ROOT = Path(__file__).parents[2]
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "here"}}
ISOLATE = ("unshare", "--user", "--map-root-user", "--mount", "--uts", "sh", "-ec")
FORCED = b'{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}'
MERGE = "application/merge-patch+json"
GRACE = 60.0


def isolates(folder):
    """Whether this machine lets a process have mounts and a host name of its own."""
    script = "\n".join([*mounting("/etc/genreconcile/a", folder, folder), "hostname a", "mount -o remount,bind,ro /"])
    try:
        return subprocess.run([*ISOLATE, script], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def mounting(path, source, scratch, *, writable=False):
    """The lines that mount ``source`` at a path which need not be there."""
    target = Path(path).resolve()
    there = next(parent for parent in target.parents if parent.is_dir())
    layer = Path(scratch, target.name + "-layer")
    for name in ("upper", "work"):
        (layer / name).mkdir(parents=True, exist_ok=True)
    yield f"mount -t overlay overlay -o lowerdir={there},upperdir={layer}/upper,workdir={layer}/work {there}"
    yield shlex.join(["mkdir", "-p", str(target)])
    yield shlex.join(["mount", "--bind", str(source), str(target)])
    if not writable:
        yield shlex.join(["mount", "-o", "remount,bind,ro", str(target)])


class Kubelet:
    """Call ``sync`` again and again: nothing goes on by itself."""

    def __init__(self, plane, namespace, folder):
        self.plane, self.namespace, self.folder = plane, namespace, folder
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.running = {}
        self.ended = []
        folder.mkdir()

    def request(self, method, path, obj=None, **more):
        body = obj if isinstance(obj, bytes) else None if obj is None else json.dumps(obj).encode()
        return json.loads(
            self.cluster.request(method, f"/api/v1/namespaces/{self.namespace}/{path}", body=body, **more)
        )

    def sync(self):
        """Start, end and probe what the server's Pods say; returns the names of those that are ready."""
        ready = []
        for pod in self.request("GET", "pods")["items"]:
            with contextlib.suppress(gr.NotFound):  # The Pod is gone since, or what it mounts is not there yet.
                if self._is_ready(pod):
                    ready.append(pod["metadata"]["name"])
        return sorted(ready)

    def _is_ready(self, pod):
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            self._end(meta["uid"])
            self.request("DELETE", f"pods/{meta['name']}", FORCED)
            return False
        process = self.running.get(meta["uid"])
        if process is None or process.popen.poll() is not None:
            self._start(pod)
            return False
        return self._probed(pod)

    def refresh(self, name):
        """Lay the volume of running Pods anew, as its ConfigMap is now."""
        for process in self.running.values():
            (volume,) = [one for one in process.pod["spec"]["volumes"] if one["name"] == name]
            process.lay(volume)

    def close(self):
        for process in self.running.values():
            process.popen.kill()
            process.popen.wait()

    def said(self):
        """The logs of all, for a wait that was in vain."""
        return "\n".join(f"{log.stem}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))

    def _start(self, pod):
        process = Process(self, pod)
        if "nodeName" not in pod["spec"]:
            target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}}
            target["target"] = {"apiVersion": "v1", "kind": "Node", "name": NODE["metadata"]["name"]}
            self.request("POST", f"pods/{pod['metadata']['name']}/binding", target)
        process.start()
        self.running[pod["metadata"]["uid"]] = process

    def _end(self, uid):
        if process := self.running.pop(uid, None):
            process.popen.send_signal(signal.SIGTERM)
            self.ended.append(process.popen.wait(GRACE))

    def _probed(self, pod):
        process = self.running[pod["metadata"]["uid"]]
        is_ready = process.is_ready()
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(is_ready)}]}
        if [(one["type"], one["status"]) for one in pod["status"].get("conditions", ())] != [("Ready", str(is_ready))]:
            self.request("PATCH", f"pods/{pod['metadata']['name']}/status", {"status": status}, content_type=MERGE)
        return is_ready


class Process:
    """The first container of a Pod."""

    def __init__(self, kubelet, pod):
        self.kubelet, self.pod = kubelet, pod
        self.folder = kubelet.folder / pod["metadata"]["uid"]
        self.folder.mkdir(exist_ok=True)
        self.container = pod["spec"]["containers"][0]
        self.port = free_port()
        self.script, self.environment = self._script(), self._environment()

    def start(self):
        log = self.kubelet.folder / f"{self.pod['metadata']['name']}-{self.pod['metadata']['uid']}.log"
        with log.open("a") as out:
            self.popen = subprocess.Popen([*ISOLATE, self.script], stdout=out, stderr=out, env=self.environment)

    def is_ready(self):
        path = self.container["readinessProbe"]["httpGet"]["path"]
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def _script(self):
        (declared,) = [one["containerPort"] for one in self.container["ports"]]
        command = [*self.container["command"], *self.container["args"]]
        command = [text.replace(f"=:{declared}", f"=127.0.0.1:{self.port}") for text in command]
        assert command[0] == "genreconcile"
        volumes = {volume["name"]: volume for volume in self.pod["spec"]["volumes"]}
        lines = [shlex.join(["hostname", self.pod["spec"].get("hostname") or self.pod["metadata"]["name"]])]
        for mount in self.container["volumeMounts"]:
            volume = volumes[mount["name"]]
            source = self.lay(volume)
            lines += mounting(mount["mountPath"], source, self.folder, writable="emptyDir" in volume)
        assert self.container["securityContext"]["readOnlyRootFilesystem"]
        lines += ["mount -o remount,bind,ro /", f"exec {shlex.join(command)}"]
        return "\n".join(lines)

    def _environment(self):
        host, _, port = self.kubelet.plane.server.removeprefix("https://").rpartition(":")
        return {
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "HOSTNAME": self.pod["metadata"]["name"],
            "HOME": "/",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            **{one["name"]: one["value"] for one in self.container.get("env", ())},
        }

    def lay(self, volume):
        """The folder of a volume, with its files behind a link that is replaced as a whole."""
        place = self.folder / volume["name"]
        place.mkdir(exist_ok=True)
        if "emptyDir" in volume:
            return place
        files = dict(self._files(volume))
        version = place / f"..{len(list(place.iterdir()))}"
        version.mkdir()
        for name, data in files.items():
            (version / name).write_text(data)
            if not (place / name).is_symlink():
                (place / name).symlink_to(f"..data/{name}")
        (place / "..new").symlink_to(version.name)
        (place / "..new").rename(place / "..data")
        return place

    def _files(self, volume):
        for source in volume.get("projected", {}).get("sources", [volume]):
            if "configMap" in source:
                name = source["configMap"]["name"]
                data = self.kubelet.request("GET", f"configmaps/{name}")["data"]
                chosen = {item["key"]: item["path"] for item in source["configMap"].get("items", ())}
                yield from ((chosen.get(key, key), text) for key, text in data.items() if not chosen or key in chosen)
            elif "serviceAccountToken" in source:
                yield source["serviceAccountToken"]["path"], self._token(source["serviceAccountToken"])
            else:
                (item,) = source["downwardAPI"]["items"]
                assert item["fieldRef"]["fieldPath"] == "metadata.namespace"
                yield item["path"], self.pod["metadata"]["namespace"]

    def _token(self, source):
        owner = {key: self.pod["metadata"][key] for key in ("name", "uid")}
        spec = {"expirationSeconds": source["expirationSeconds"], "audiences": None}
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", **owner}
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = self.pod["spec"]["serviceAccountName"]
        return self.kubelet.request("POST", f"serviceaccounts/{account}/token", asked)["status"]["token"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
