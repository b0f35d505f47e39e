"""Compiles Go programs of one module, with progress.

The go.mod for the build is made once from the module's own, and kept beside the programs with its go.sum.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genreconcile.testing.building import gomodule
from genreconcile.testing.building.toolchain import Go, environment, find
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.progress import Progress

_SECONDS_PER_PART = 0.2
"""The seconds to compile one package, which is a part, on two cores: a first guess that ``Progress`` corrects."""

_PARTS_OF_LINKING = 40
"""Linking a program takes as long as compiling this many packages."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe to build the programs of one release; ``render`` makes the go.mod, as in ``gomodule``."""

    title: str
    module: str
    version: str
    render: Callable[[str, dict[str, Any]], str]
    ldflags: str
    data: tuple[str, ...] = ()
    """Folders of the module whose YAML files are needed at run time; they are copied to ``stages``."""


def kubernetes_recipe(version: str) -> Recipe:
    """Return the recipe for Kubernetes ``version``, and the etcd that it was tested with."""
    title = f"Kubernetes {version}"
    return Recipe(title, "k8s.io/kubernetes", version, gomodule.kubernetes, gomodule.ldflags(version))


def kwok_recipe(version: str) -> Recipe:
    """Return the recipe for kwok ``version``."""
    stages = ("kustomize/stage/node/fast", "kustomize/stage/pod/fast")
    return Recipe(f"kwok {version}", gomodule.KWOK_MODULE, version, gomodule.kwok, "-s -w", stages)


def compile_programs(recipe: Recipe, target: Path, programs: Sequence[str], cache: Path) -> None:
    """Build ``programs``, if there are any, into the folder ``target``; the caller holds the lock of ``cache``."""
    if programs:
        go, work = find(cache), target / "build"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        module = _module(go, recipe, target, [gomodule.PACKAGES[program] for program in programs])
        _copy_data(go, recipe, module, target)
        _compile(go, recipe, module, {program: work / program for program in programs})
        for program in programs:
            (work / program).replace(target / program)
        work.rmdir()


def _module(go: Go, recipe: Recipe, target: Path, packages: Sequence[str]) -> Path:
    """Return the folder with the go.mod and go.sum for these packages."""
    module = target / "module"
    if not _has(module, packages):
        module.mkdir(exist_ok=True)
        with Progress(f"{recipe.title}: resolving Go modules", 1, 60):
            own = json.loads(go.output("mod", "download", "-json", f"{recipe.module}@v{recipe.version}", folder=target))
            parsed = json.loads(go.output("mod", "edit", "-json", own["GoMod"], folder=target))
            (module / "go.mod").write_text(recipe.render(recipe.version, parsed), encoding="utf-8")
            go.output("mod", "tidy", folder=module)
    return module


def _has(module: Path, packages: Sequence[str]) -> bool:
    """Whether the folder is complete: one of an earlier version of this package may lack a program."""
    if not (module / "go.sum").is_file():
        return False
    text = (module / "go.mod").read_text(encoding="utf-8")
    return all(package in text for package in packages)


def _copy_data(go: Go, recipe: Recipe, module: Path, target: Path) -> None:
    for name in recipe.data:
        source = Path(go.output("list", "-m", "-f", "{{.Dir}}", recipe.module, folder=module).strip()) / name
        (target / "stages").mkdir(exist_ok=True)
        for file in source.glob("*.yaml"):
            if file.name != "kustomization.yaml":
                shutil.copyfile(file, target / "stages" / file.name)


def _compile(go: Go, recipe: Recipe, module: Path, outputs: dict[str, Path]) -> None:
    flags = ["-trimpath", "-ldflags", recipe.ldflags]
    packages = [gomodule.PACKAGES[program] for program in outputs]
    stale = go.output("list", "-deps", *flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *packages, folder=module)
    parts = len(stale.split()) + _PARTS_OF_LINKING * len(outputs)
    with Progress(f"{recipe.title}: compiling {', '.join(outputs)}", parts, parts * _SECONDS_PER_PART) as progress:
        for program, output in outputs.items():
            command = go.command("build", "-v", *flags, "-o", str(output), gomodule.PACKAGES[program])
            _run(command, module, progress)
            progress.advance(_PARTS_OF_LINKING)


def _run(command: list[str], module: Path, progress: Progress) -> None:
    """Run ``go build -v``, which names each package on standard error when it compiles the package."""
    said: deque[str] = deque(maxlen=40)
    with subprocess.Popen(  # noqa: S603 - the Go toolchain with this package's arguments
        command, cwd=module, env=environment(), stderr=subprocess.PIPE, text=True
    ) as build:
        try:
            for line in build.stderr or ():
                said.append(line)
                # A package path has no spaces; a message has.
                progress.advance(0 if " " in line.strip() else 1)
        except BaseException:
            build.kill()
            raise
    if build.returncode:
        raise ControlPlaneError(
            f"{command[-1]}: Go cannot build it: {''.join(said)}; the module is in {module}", code="GR952"
        )
