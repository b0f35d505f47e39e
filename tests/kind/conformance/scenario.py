"""What proves that a value cannot be predicted: the scenarios of proofs/*.yaml.

A file is a list of mappings:

- ``proof``: ``appears`` (in two worlds, one expected object gets two values), ``rewritten`` (an edit is undone or
  replaced at once), ``refused`` (the server takes no edit), or ``third-party`` (whoever writes it is not installed:
  somebody writes it here, and expected wins where it states a value);
- ``by``: who writes the value; ``rules``: the path of the value, by the id of the rule that covers it;
- ``expected``: the object; ``worlds``: for each world the objects around it, in order, with ``$expected`` where it
  comes itself (at the end if not said); ``$name`` in any text is a name of the scenario's own;
- ``edits``: operations, each tried alone; ``stated``: a value to expect; ``writer``: the field manager of a third
  party; ``use``: where a token is that is used after each write; ``elsewhere``: the second world is another namespace;
  ``apiserver``: arguments of the second world's server; ``instead``: the object that somebody creates in place of the
  expected one.
"""

from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "proofs"
EXPECTED = "$expected"
REQUIRED = {"proof", "by", "rules", "expected"}
OPTIONAL = {
    "appears": {"worlds", "elsewhere", "apiserver"},
    "rewritten": {"worlds", "edits", "use"},
    "refused": {"worlds", "edits", "instead"},
    "third-party": {"worlds", "edits", "stated", "writer"},
}


def scenarios():
    """All scenarios."""
    return [scenario for file in sorted(FOLDER.glob("*.yaml")) for scenario in yaml.safe_load(file.read_text("utf-8"))]


def proofs():
    """By rule, the kind of proof and who writes the value."""
    return {rule: (one["proof"], one["by"]) for one in scenarios() for rule in one["rules"]}


def named(value, name):
    """With the name of its own in place of ``$name``."""
    if isinstance(value, dict):
        return {named(key, name): named(entry, name) for key, entry in value.items()}
    if isinstance(value, list):
        return [named(entry, name) for entry in value]
    return value.replace("$name", name) if isinstance(value, str) else value


def around(world):
    """The objects that come before the expected one, and those that come after it."""
    at = world.index(EXPECTED) if EXPECTED in world else len(world)
    return world[:at], world[at + 1 :]
