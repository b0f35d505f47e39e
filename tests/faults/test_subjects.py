"""Both subjects go through each scenario, or a line says why one does not."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from faults.subjects import ALONE, SUBJECTS

FOLDER = Path(__file__).parent


def subjects_of(module, function):
    """Who goes through a scenario: whom its fixture names, or the mark of its module."""
    if "subject" in {argument.arg for argument in function.args.args}:
        return set(SUBJECTS)
    return {"controller"} if 'mark.by("controller")' in ast.unparse(module).replace("'", '"') else {"reconciler"}


def test_each_scenario_is_for_both_or_says_why():
    found = defaultdict(set)
    for file in FOLDER.glob("test_*.py"):
        module = ast.parse(file.read_text("utf-8"))
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and (number := re.match(r"test_s(\d\d)_", node.name)):
                found[number[1]] |= subjects_of(module, node)
    assert len(found) == 40
    assert {number for number, subjects in found.items() if subjects != set(SUBJECTS)} == set(ALONE)
