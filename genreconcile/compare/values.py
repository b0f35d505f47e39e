"""When two scalars are equal, and what the server fills in where expected has nothing.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.kinds.types import MISSING, Type
from genreconcile.normalize.compiled import Child
from genreconcile.normalize.functions import FUNCTIONS
from genreconcile.normalize.place import Place
from genreconcile.normalize.refer import referred
from genreconcile.normalize.rule import Rule
from genreconcile.normalize.scalars import CANONICAL, exact, number

SCHEMA: Final = "schema"
"""Who says so where a default is the schema's own."""


def canonical(value: Any, child: Child) -> Any:
    """The form of a scalar in which two spellings of one value are equal."""
    rule = child.first("canonical")
    if rule is None and child.field.type.is_raw:
        return exact(value)
    form = CANONICAL.get(rule.argument if rule else _form_of(child.field.type))
    return form(value) if form else number(value)


# In a Go type; of a custom resource the server decodes a number as one without a type, and keeps a quantity's text.
_STORED: Final = {"number": "float64", "quantity": "quantity-stored"}


def _form_of(kind: Type) -> str:
    return kind.scalar if kind.custom else _STORED.get(kind.scalar, kind.scalar)


def is_unknown(child: Child, rule: Rule | None, place: Place | None) -> bool:
    """Whether the server fills in a value that cannot be told, so that any is right."""
    if rule is None:
        return False
    return rule.action == "managed" or (rule.action == "refer" and default_of(child, rule, place)[0] is MISSING)


def default_of(child: Child, rule: Rule | None, place: Place | None) -> tuple[Any, str]:
    """What the server fills in where expected has nothing, and who says so."""
    if rule is not None and place is not None:
        if rule.action == "default":
            return rule.argument, rule.id
        if rule.action == "copy":
            return place.resolve(rule.argument), rule.id
        if rule.action == "function":
            name, arguments = function_of(rule)
            return FUNCTIONS[name](place.holder, arguments), rule.id
        if rule.action == "refer":
            return referred(place, rule.argument), rule.id
    # Only where the type comes from a CustomResourceDefinition is the schema's default what the server does.
    return child.field.default, SCHEMA


def function_of(rule: Rule) -> tuple[str, Mapping[str, Any]]:
    """The name of the function that a rule calls, and its arguments."""
    arguments = rule.argument if rule.argument.__class__ is dict else {"name": rule.argument}
    return arguments["name"], arguments
