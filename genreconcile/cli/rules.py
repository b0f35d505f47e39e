"""``genreconcile rules``: the rule that covers each path, rules that would silence differences, and tests of rules;
offline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.errors import LoadError

if TYPE_CHECKING:
    from genreconcile.objects import Object

_OPTIONS = (
    click.option("-f", "--filename", required=True, metavar="PATH", help="The expected object, or - for stdin."),
    click.option("--live", required=True, metavar="PATH", help="The live object, as kubectl get -o yaml prints it."),
    click.option("--schema", metavar="PATH", help="Saved OpenAPI v3 documents; without, the comparison is untyped."),
    click.option("--rules", multiple=True, metavar="PATH", help="Rules of your own, in front of the shipped ones."),
)


@click.group("rules")
def command() -> None:
    """Tell which rule covers which path, and what would silence a difference; test rules of your own."""


def _offline(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@command.command("explain")
@_offline
def explain_command(**options: Any) -> int:
    """Print every path that only the live object has, and every difference. Exit code 1 where objects differ."""
    _, explanations = _explained(**options)
    for explanation in explanations:
        click.echo(str(explanation))
    return exits.DIFFERENCES if any(explanation.is_drift for explanation in explanations) else exits.CONVERGED


@command.command("suggest")
@_offline
def suggest_command(**options: Any) -> int:
    """Print the rules that would silence the differences, as YAML."""
    from genreconcile.compare.explain import suggest
    from genreconcile.report.yamltext import dump

    expected, explanations = _explained(**options)
    click.echo(dump(suggest(expected, explanations), sort_keys=False), nl=False)
    return exits.CONVERGED


@command.command("test")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def test_command(files: tuple[str, ...]) -> int:
    """Run the tests beside the readiness rules of these files. Exit code 1 where one fails."""
    from genreconcile import Registry
    from genreconcile.readiness import tried

    registry = Registry.empty().extend(*files)
    found = tried(registry.readiness)
    for test in found:
        click.echo(str(test))
    for rule in registry.readiness:
        if not rule.tests:
            click.echo(f"{rule.id}: has no tests", err=True)
    failed = sum(bool(test.fault) for test in found)
    click.echo(f"{len(found)} tests, {failed} failed")
    return exits.DIFFERENCES if failed else exits.CONVERGED


def _explained(filename: str, live: str, schema: str | None, rules: tuple[str, ...]) -> tuple[Object, list[Any]]:
    from genreconcile import Registry, Schema
    from genreconcile.compare.explain import explain

    expected = _one(filename)
    types = Schema.load(schema) if schema else None
    if types is None:
        click.echo("without --schema: lists count as ordered, and no default of a type is known", err=True)
    return expected, explain(expected, _one(live), rules=Registry.builtin().extend(*rules), schema=types)


def _one(path: str) -> Object:
    from genreconcile.manifests import load

    found = load([path])
    if len(found) != 1:
        raise LoadError(
            f"{path}: holds {len(found)} objects: one is compared with one; give a file with one object", code="GR219"
        )
    return found[0].obj
