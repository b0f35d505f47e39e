"""Wheels with compiled modules where ``GENRECONCILE_COMPILE=1`` asks for them; all others hold the sources alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "tools"))

import compile_modules as compiling  # type: ignore[import-not-found]

_NEEDED = ("mypy>=1.14", "setuptools>=75", "types-PyYAML", "types-cachetools")


class CompileHook(BuildHookInterface[Any]):
    """Compiles in place before the wheel is put together, and cleans up afterwards."""

    def dependencies(self) -> list[str]:
        """What compiling needs: the compiler, and the types of all that is imported."""
        return [*_NEEDED, *self.metadata.core.dependencies] if self._is_wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile. Raises CompileError."""
        if version == "standard" and self._is_wanted:
            root = Path(self.root)
            modules = compiling.compile_modules(root)
            build_data["force_include"].update({str(module): str(module.relative_to(root)) for module in modules})
            build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the interface
        """Leave the sources as they were."""
        if version == "standard" and self._is_wanted:
            compiling.remove(Path(self.root))

    @property
    def _is_wanted(self) -> bool:
        return bool(os.environ.get("GENRECONCILE_COMPILE"))
