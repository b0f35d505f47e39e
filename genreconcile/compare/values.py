"""The canonical forms of scalars, and the defaults of fields that expected lacks.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.kinds.types import MISSING, Type
from genreconcile.normalize.compiled import Child
from genreconcile.normalize.functions import FUNCTIONS, Function
from genreconcile.normalize.place import Place
from genreconcile.normalize.refer import referred
from genreconcile.normalize.rule import Rule
from genreconcile.normalize.scalars import CANONICAL, exact, number

SCHEMA: Final = "schema"
"""The source of a schema's own default, in place of a rule id."""


def canonical(value: Any, child: Child) -> Any:
    """The canonical form of a scalar: two spellings of one value are equal in it."""
    rule = child.first("canonical")
    if rule is None and child.field.type.is_raw:
        return exact(value)
    form = CANONICAL.get(rule.argument if rule else _form_of(child.field.type))
    return form(value) if form else number(value)


# Forms in Go types. In a custom resource the server decodes a number without a type, and keeps a quantity's text.
_STORED: Final = {"number": "float64", "quantity": "quantity-stored"}


def _form_of(kind: Type) -> str:
    return kind.scalar if kind.custom else _STORED.get(kind.scalar, kind.scalar)


def is_unknown(child: Child, rule: Rule | None, place: Place | None) -> bool:
    """Whether the server or a controller chooses the value in a way that rules do not foretell: any value is right."""
    if rule is None:
        return False
    return rule.action == "managed" or (rule.action == "refer" and default_of(child, rule, place)[0] is MISSING)


def default_of(child: Child, rule: Rule | None, place: Place | None) -> tuple[Any, str]:
    """The default of a field that expected lacks, or MISSING; and its source, a rule id or SCHEMA."""
    if rule is not None and place is not None:
        if rule.action == "default":
            return rule.argument, rule.id
        if rule.action == "copy":
            return place.resolve(rule.argument), rule.id
        if rule.action == "function":
            function, arguments = function_of(rule)
            return function(place.holder, arguments), rule.id
        if rule.action == "refer":
            return referred(place, rule.argument), rule.id
    # MISSING in built-in types: only a CustomResourceDefinition has the defaults that the server applies.
    return child.field.default, SCHEMA


def function_of(rule: Rule) -> tuple[Function, Mapping[str, Any]]:
    """The function that a rule calls, and its arguments."""
    arguments = rule.argument if rule.argument.__class__ is dict else {"name": rule.argument}
    return FUNCTIONS[arguments["name"]], arguments
