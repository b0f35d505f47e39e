"""The one build, with a shell script as the Go toolchain."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from filelock import FileLock

from genreconcile.testing import versions
from genreconcile.testing.building import build, compilation, toolchain
from genreconcile.testing.building.toolchain import Go
from genreconcile.testing.errors import ControlPlaneError

OWN_GO_MOD = {
    "Go": "1.26.0",
    "Require": [{"Path": "go.etcd.io/etcd/client/v3", "Version": "v3.6.8"}],
    "Replace": [],
}

FAKE_GO = """#!/bin/sh
echo "$*" >> {calls}
case "$1 $2" in
"env GOVERSION") echo go1.26.4;;
"mod download") echo '{{"GoMod": "/own/go.mod"}}';;
"mod edit") echo '{own}';;
"mod tidy") touch go.sum;;
"list -deps") echo a/b; echo c/d;;
"list -m") echo {source};;
"build -v") {build};;
esac
"""

BUILD = """
    echo a/b >&2
    while [ "$1" != -o ]; do shift; done
    echo "program $3" > "$2"
    chmod +x "$2"
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def fake_go(tmp_path, monkeypatch):
    """Puts a fake ``go`` on the PATH; returns how to set what it does on build, and its calls."""
    program, calls = tmp_path / "bin/go", tmp_path / "calls"
    program.parent.mkdir()

    def install(build_script=BUILD):
        text = FAKE_GO.format(calls=calls, own=json.dumps(OWN_GO_MOD), source=tmp_path / "source", build=build_script)
        program.write_text(text)
        program.chmod(0o755)
        return calls

    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    return install


def test_missing_programs_are_built(cache, fake_go):
    fake_go()

    folder = build.ensure("1.37.2", ["etcd", "kube-apiserver"])

    assert folder.parent == cache
    assert (folder / "etcd").read_text() == "program go.etcd.io/etcd/server/v3\n"
    assert (folder / "kube-apiserver").read_text() == "program k8s.io/kubernetes/cmd/kube-apiserver\n"
    assert "require k8s.io/kubernetes v1.37.2" in (folder / "module/go.mod").read_text()
    assert not (folder / "build").exists()


@pytest.mark.usefixtures("cache")
def test_nothing_is_built_twice(fake_go):
    calls = fake_go()
    build.ensure("1.37.2", ["etcd"])
    before = calls.read_text()

    build.ensure("1.37.2", ["etcd"])
    assert calls.read_text() == before

    build.ensure("1.37.2", ["etcd", "kube-scheduler"])
    added = calls.read_text().removeprefix(before)
    assert "cmd/kube-scheduler" in added
    assert "etcd/server" not in added
    assert "mod tidy" not in added


@pytest.mark.usefixtures("cache")
def test_a_module_that_lacks_a_program_is_made_anew(fake_go):
    calls = fake_go()
    build.ensure("1.37.2", ["etcd"])
    module = build.folder("1.37.2") / "module/go.mod"
    module.write_text(module.read_text().replace("tool k8s.io/kubernetes/cmd/kubectl\n", ""))
    before = calls.read_text()

    folder = build.ensure("1.37.2", ["kubectl"])
    assert (folder / "kubectl").read_text() == "program k8s.io/kubernetes/cmd/kubectl\n"
    assert "mod tidy" in calls.read_text().removeprefix(before)


@pytest.mark.usefixtures("cache")
def test_failing_build_is_shown_and_leaves_no_program(fake_go):
    fake_go("echo 'x.go:1: syntax error' >&2; exit 1")

    with pytest.raises(ControlPlaneError, match=r"x.go:1: syntax error"):
        build.ensure("1.37.2", ["etcd"])

    assert build.missing(build.folder("1.37.2"), ["etcd"]) == ["etcd"]


@pytest.mark.usefixtures("cache")
def test_leftovers_of_a_killed_build_do_no_harm(fake_go):
    fake_go()
    (build.folder("1.37.2") / "build/etcd").mkdir(parents=True)
    (build.folder("1.37.2") / "module").mkdir()
    (build.folder("1.37.2") / "module/go.mod").write_text("half")

    build.ensure("1.37.2", ["etcd"])

    assert "require k8s.io/kubernetes v1.37.2" in (build.folder("1.37.2") / "module/go.mod").read_text()


@pytest.mark.usefixtures("cache")
def test_progress_is_shown(fake_go, capsys):
    fake_go()

    build.ensure("1.37.2", ["etcd"])

    *_, started, done = capsys.readouterr().err.splitlines()
    assert started == "genreconcile: Kubernetes 1.37.2: compiling etcd: started, about 8s"
    assert done.startswith("genreconcile: Kubernetes 1.37.2: compiling etcd: done after ")


@pytest.mark.usefixtures("cache")
def test_kwok_comes_with_its_stages(fake_go, tmp_path):
    fake_go()
    for kind, name in [("node", "node-initialize"), ("pod", "pod-ready"), ("pod", "kustomization")]:
        file = tmp_path / f"source/kustomize/stage/{kind}/fast/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)

    folder = build.ensure_kwok()

    assert sorted(file.name for file in (folder / "stages").iterdir()) == ["node-initialize.yaml", "pod-ready.yaml"]
    assert (folder / "kwok").read_text() == "program sigs.k8s.io/kwok/cmd/kwok\n"


BUILDER = """
import sys
from pathlib import Path
from genreconcile.testing.building import build
build.cache_folder = lambda: Path(sys.argv[1])
build.ensure("1.37.2", ["etcd"])
"""


def test_a_second_process_waits_and_builds_nothing(cache, fake_go):
    calls = fake_go()
    cache.mkdir()
    with FileLock(cache / "lock"):
        waiting = subprocess.Popen([sys.executable, "-c", BUILDER, str(cache)], stderr=subprocess.PIPE, text=True)
        assert "another process is building" in waiting.stderr.readline()
        (build.folder("1.37.2")).mkdir()
        (build.folder("1.37.2") / "etcd").touch(mode=0o755)
    rest = waiting.communicate()[1]

    assert (waiting.returncode, rest) == (0, "")
    assert not calls.exists()


def test_environment_lets_go_build_anywhere(monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("GOWORK", "/some/go.work")
    monkeypatch.delenv("HOME")

    made = toolchain.environment()

    assert made["GOPROXY"] == "https://proxy.example"
    assert made["GOWORK"] == "off"
    assert made["CGO_ENABLED"] == "0"
    assert made["HOME"]


def test_failing_go_command_is_shown(tmp_path):
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho 'proxy: no route to host' >&2\nexit 1\n")
    program.chmod(0o755)

    with pytest.raises(ControlPlaneError, match=r"go mod tidy: failed: proxy: no route to host; check .*GOPROXY"):
        Go(program).output("mod", "tidy", folder=tmp_path)


def fake_toolchain(path, version):
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho go{version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Instead of pip, a script that installs a Go of the version in ``offered``, or fails."""
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setattr(toolchain.shutil, "which", lambda _: str(tmp_path / "path/go"))
    offered = tmp_path / "offered"
    python = tmp_path / "python"
    python.write_text(
        f"""#!/bin/sh
        [ -e {offered} ] || {{ echo "No matching distribution" >&2; exit 1; }}
        while [ "$1" != --target ]; do shift; done
        mkdir -p "$2/go/bin"
        printf '#!/bin/sh\\necho go%s\\n' "$(cat {offered})" > "$2/go/bin/go"
        chmod +x "$2/go/bin/go"
        """
    )
    python.chmod(0o755)
    monkeypatch.setattr(toolchain.sys, "executable", str(python))
    return offered


@pytest.mark.usefixtures("pip")
def test_go_on_the_path_is_taken(tmp_path):
    path = fake_toolchain(tmp_path / "path/go", "1.27.1")

    assert toolchain.find(tmp_path / "cache").program == path


@pytest.mark.parametrize("version", [None, "1.25.9", "devel"])
def test_missing_or_old_go_is_replaced_by_pythons(tmp_path, pip, version):
    if version:
        fake_toolchain(tmp_path / "path/go", version)
    pip.write_text("1.26.6")

    go = toolchain.find(tmp_path / "cache")

    assert go.program == tmp_path / f"cache/go/{versions.machine()}/go/bin/go"
    assert go.release() == (1, 26)


@pytest.mark.usefixtures("pip")
def test_installed_go_is_taken_again(tmp_path):
    installed = fake_toolchain(tmp_path / f"cache/go/{versions.machine()}/go/bin/go", "1.26.6")

    assert toolchain.find(tmp_path / "cache").program == installed


@pytest.mark.parametrize("offer", [None, "1.20.0"])
def test_no_usable_toolchain(tmp_path, pip, offer):
    if offer:
        pip.write_text(offer)

    with pytest.raises(ControlPlaneError, match=r"put Go >= 1.26 on the PATH, or set KUBEBUILDER_ASSETS"):
        toolchain.find(tmp_path / "cache")


def test_no_programs_no_work(tmp_path):
    compilation.compile_programs(compilation.kwok_recipe("0.8.0"), tmp_path / "target", [], tmp_path / "cache")

    assert list(tmp_path.iterdir()) == []
