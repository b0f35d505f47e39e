"""Ask for known vulnerabilities of the locked packages; fail on findings, and say what could not be asked.

pip-audit itself passes where the service knows none of the packages: that looks like a clean bill, and is none. Run it
by ``make audit``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Package = Mapping[str, Any]


def main() -> int:
    """Audit each lock; 1 where a vulnerability is known."""
    found = [problem for lock in sorted((ROOT / "locks").glob("*.txt")) for problem in audit(lock)]
    for problem in dict.fromkeys(found):
        print(problem)
    return 1 if found else 0


def audit(lock: Path) -> list[str]:
    """The findings of one lock; what was and was not checked is printed."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(
        [*command, "--format", "json", "-r", str(lock)], check=False, capture_output=True, text=True, timeout=600
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"{lock.name}: NOT AUDITED: the vulnerability service does not answer: {last_line(done.stderr)}")
        return []
    report, findings = judged(packages)
    print(f"{lock.name}: {report}")
    return findings


def judged(packages: Iterable[Package]) -> tuple[str, list[str]]:
    """One line on what was checked, and a line for each known vulnerability."""
    every = list(packages)
    skipped = [package["name"] for package in every if "skip_reason" in package]
    findings = [
        f"{package['name']} {package['version']}: {vulnerability['id']}; fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in every
        for vulnerability in package.get("vulns", ())
    ]
    if skipped and len(skipped) == len(every):
        return f"NOT AUDITED: the vulnerability service knows none of the {len(every)} packages; ask another", findings
    report = f"{len(every) - len(skipped)} of {len(every)} packages audited, {len(findings)} known vulnerabilities"
    if skipped:
        report += f"; NOT AUDITED, for the service does not know them: {', '.join(skipped)}"
    return report, findings


def last_line(text: str) -> str:
    """Why it failed."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no explanation"


if __name__ == "__main__":
    sys.exit(main())
