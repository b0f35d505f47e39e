"""Write docs/reference/errors from genreconcile/data/errors.yaml: a page for each code, one of reasons, and an index.

``python tools/docs/error_codes.py`` writes them, and removes those of codes that are gone.
"""

from __future__ import annotations

from pathlib import Path

from genreconcile.data import Errors, shipped

FOLDER = Path(__file__).parents[2] / "docs/reference/errors"
_HEAD = """# Codes of errors and warnings

Every error and every warning has a code, which stays when its words change. It stands in brackets behind the message,
and as `code` in JSON reports and logs. In Python, errors, the texts in `plan.warnings` and `result.warnings`, and
records of logs have an attribute `code`. `genreconcile explain GR422` prints what stands here. How refusals are
recognized, and what the program does by itself about each, is in [When something is refused](../../errors.md). The
[reasons of conditions](reasons.md) on the parents of a controller have a page of their own.

"""
_REASONS = """# Reasons of conditions

A controller writes the conditions `Ready`, `Reconciling` and `Stalled` on its parents
([status](../../operators.md#status)). Each has one of these reasons, which stays when messages change; those that need
somebody are [Events](../../observability.md#events), too. `genreconcile explain ChildConflict` prints what stands here.
"""
_TOCTREE = """
```{toctree}
:hidden:
:glob:

reasons
GR*
```
"""


def pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    errors = shipped(Errors)
    found = {"index.md": _HEAD}
    for digit, group in errors.groups.items():
        found["index.md"] += f"## {group}\n\n| code | |\n|---|---|\n"
        for code, entry in errors.codes.items():
            if code[2] == digit:
                found["index.md"] += f"| [{code}]({code}.md) | {entry.title} |\n"
                found[f"{code}.md"] = f"# {code}: {entry.title}\n\n{entry.happened}\n\n**What to do:** {entry.remedy}\n"
        found["index.md"] += "\n"
    for reason, entry in errors.reasons.items():
        found.setdefault("reasons.md", _REASONS)
        found["reasons.md"] += f"\n## {reason}\n\n{entry.title}. {entry.happened}\n\n**What to do:** {entry.remedy}\n"
    found["index.md"] = found["index.md"].rstrip() + "\n" + _TOCTREE
    return found


def written() -> dict[str, str]:
    """The text of each page that is there."""
    return {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.md")}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in written().keys() - pages().keys():
        (FOLDER / name).unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
