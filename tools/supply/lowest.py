"""Put the least version of every package that ``pyproject.toml`` asks for into the environment that runs this.

A least version that is not tried is a guess. Run it by ``make lowest``; ``--print`` only prints the pins.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)(?:,<[0-9.]+)?")


def pins(root: Path = ROOT) -> list[str]:
    """A pin for each dependency, those of the extras included. Raises ValueError for one without a least version."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [_pin(requirement) for group in (project["dependencies"], *extras) for requirement in group]


def _pin(requirement: str) -> str:
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise ValueError(f"{requirement}: not usable: it has no least version; write name>=version")
    return f"{found['name']}=={found['version']}"


_THEIR_USERS = ("kopf", "opentelemetry-sdk", "import-linter")
"""What the tests install as well, and what pip has to choose again for these pins."""


def main() -> None:
    """Print the pins, and install them."""
    found = pins()
    print("\n".join(found))
    if "--print" not in sys.argv[1:]:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *found, *_THEIR_USERS], check=True)


if __name__ == "__main__":
    main()
