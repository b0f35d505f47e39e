"""``genreconcile rbac``: the least roles with which apply does its work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import Flags, shared

if TYPE_CHECKING:
    from genreconcile.access import Subject

_HEADER = """\
# What genreconcile needs for these objects. Kinds, schemas and the check of these rights themselves are read under
# system:discovery and system:basic-user, which Kubernetes grants to every account that has authenticated.
"""
_OPTIONS = (
    click.option("--name", default="genreconcile", show_default=True, metavar="NAME", help="Name of the roles."),
    click.option("--serviceaccount", metavar="NS:NAME", help="Bind the roles to this ServiceAccount."),
    click.option("--user", metavar="NAME", help="Bind the roles to this user."),
    click.option("--read-only", is_flag=True, help="Only what diff and plan need."),
    click.option(
        "--on-immutable",
        type=click.Choice(("fail", "recreate")),
        default="fail",
        show_default=True,
        help="As of apply: to recreate objects they must be deleted.",
    ),
    click.option("--verify", is_flag=True, help="As of diff and plan: a dry run needs the right of what it tries."),
    click.option("--any-name", is_flag=True, help="Grant all verbs for objects of any name, so that files may change."),
    click.option(
        "--operator",
        is_flag=True,
        help="For a program that keeps running: follow the definitions of custom kinds as well.",
    ),
    click.option("--lease", metavar="[NS/]NAME", help="As of run: the Lease that the program is to hold."),
    click.option(
        "-A", "--all-namespaces", is_flag=True, help="Read the whole cluster, as a Reconciler does unless told."
    ),
)


def _own(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("rbac")
@shared("yaml", ("yaml", "json"))
@_own
def command(  # noqa: PLR0913 - the public surface: click hands over each option by its name
    *,
    name: str,
    serviceaccount: str | None,
    user: str | None,
    read_only: bool,
    any_name: bool,
    operator: bool,
    all_namespaces: bool,
    lease: str | None,
    **options: Any,
) -> int:
    """Print the least Role and ClusterRole with which apply, called with the same options, does its work.

    The server is asked for its kinds, and nothing is written.
    """
    subject = _subject(serviceaccount, user)
    settings = Flags(**options)
    from genreconcile.access import manifests
    from genreconcile.access.notes import notes
    from genreconcile.cli import logs, output, session

    logs.set_up(settings.verbosity)
    expected = session.read_expected(settings)
    rights = session.rights(
        settings, expected, level="read" if read_only else "write", operator=operator, everywhere=all_namespaces
    )
    if any_name:
        rights = frozenset(right._replace(name="") for right in rights)
    if lease is not None:
        rights |= session.rights_of_lease(settings, lease)
    warnings = notes(expected)
    click.echo(_rendered(manifests(rights, name, subject), warnings, settings.output), nl=False)
    output.notes("warning", warnings)
    return exits.CONVERGED


def _subject(serviceaccount: str | None, user: str | None) -> Subject | None:
    from genreconcile.access import Subject

    if serviceaccount and user:
        raise click.UsageError("--serviceaccount and --user exclude each other; give one.")
    if serviceaccount:
        namespace, _, account = serviceaccount.partition(":")
        if not (namespace and account):
            raise click.UsageError(f"--serviceaccount {serviceaccount}: is no NAMESPACE:NAME.")
        return Subject("serviceaccount", account, namespace)
    return Subject("user", user) if user else None


def _rendered(objects: list[dict[str, Any]], warnings: list[str], output: str) -> str:
    from genreconcile.access.roles import as_list

    if output == "json":
        return json.dumps(as_list(objects), indent=2) + "\n"
    from genreconcile.report.yamltext import dump_all

    comments = "".join(f"# Warning: {warning}\n" for warning in warnings)
    return _HEADER + comments + dump_all(objects)
