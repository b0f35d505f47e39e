"""``genreconcile rbac``: the least roles with which apply does its work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genreconcile.cli import exits
from genreconcile.cli.options import Flags, shared
from genreconcile.cli.usage import UsageError
from genreconcile.errors import shown
from genreconcile.notice import Notice

if TYPE_CHECKING:
    from genreconcile.access import Right, Subject
    from genreconcile.report.operators import Planned

_HEADER = """\
# What genreconcile needs for these objects. Kinds, schemas and the check of these rights themselves are read under
# system:discovery and system:basic-user, which Kubernetes grants to every account that has authenticated.
"""
_OF_OPERATORS = """\
# What these operators need for the parents that are there; a function that states other kinds for others needs more.
"""
_OPTIONS = (
    click.option(
        "--name",
        metavar="NAME",
        help="Name of the roles, genreconcile:NS:NAME of the account unless given. Programs of one account need a name "
        "each.",
    ),
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
    click.option("--events", is_flag=True, help="As of run: write Events of what is done to the objects."),
    click.option("--lease", metavar="[NS/]NAME", help="As of run: the Lease that the program is to hold."),
    click.option(
        "--shards",
        type=click.IntRange(min=1),
        metavar="N",
        help="As of run: the Leases NAME-0-of-N and so on of --lease.",
    ),
    click.option(
        "-A", "--all-namespaces", is_flag=True, help="Read the whole cluster, as a Reconciler does unless told."
    ),
)


def _own(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("rbac")
@click.argument(
    "operators", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[OPERATOR.PY]..."
)
@shared("yaml", ("yaml", "json"), needs_files=False)
@_own
@click.option(
    "--watch-namespace", "namespaces", multiple=True, metavar="NS", help="As of run: of operators. Repeatable."
)
def command(  # noqa: PLR0913 - the public surface: click hands over each option by its name
    operators: tuple[Path, ...],
    *,
    namespaces: tuple[str, ...],
    name: str | None,
    serviceaccount: str | None,
    user: str | None,
    read_only: bool,
    any_name: bool,
    operator: bool,
    all_namespaces: bool,
    events: bool,
    lease: str | None,
    shards: int | None,
    **options: Any,
) -> int:
    """Print the least Role and ClusterRole with which apply, called with the same options, does its work; or, for
    Python files with controllers, those with which run does, by a dry run over the parents that are there.

    The server is asked for its kinds, and nothing is written.
    """
    subject = _subject(serviceaccount, user)
    name = name or _name_for(subject)
    settings = Flags(**options)
    if bool(operators) == bool(settings.filenames):
        raise UsageError("Give -f with the objects of apply, or Python files with controllers.", code="GR102")
    if shards is not None and lease is None:
        raise UsageError("--shards goes with --lease.", code="GR102")
    from genreconcile.access import manifests
    from genreconcile.access.notes import notes
    from genreconcile.cli import logs, output, session

    logs.set_up(settings.verbosity)
    of_lease = session.rights_of_lease(settings, lease, shards) if lease is not None else frozenset()
    if operators:
        rights, unknown = _rights_of(operators, settings, namespaces)
        click.echo(_rendered(manifests(rights | of_lease, name, subject), [], settings.output, _OF_OPERATORS), nl=False)
        output.notes("not judged", (Notice(f"{one.of}: {one.error}", one.code) for one in unknown))
        return exits.UNKNOWN if unknown else exits.CONVERGED
    expected = session.read_expected(settings)
    rights = session.rights(
        settings, expected, level="read" if read_only else "write", operator=operator, everywhere=all_namespaces
    )
    if events:
        rights |= session.rights_of_events(rights)
    if any_name:
        rights = frozenset(right._replace(name="") for right in rights)
    warnings = notes(expected)
    click.echo(_rendered(manifests(rights | of_lease, name, subject), warnings, settings.output), nl=False)
    output.notes("warning", warnings)
    return exits.CONVERGED


def _rights_of(
    operators: tuple[Path, ...], settings: Flags, namespaces: tuple[str, ...]
) -> tuple[frozenset[Right], list[Planned]]:
    from genreconcile.cli import session
    from genreconcile.cli.run import controllers_of
    from genreconcile.controllers.rights import rights_of

    return rights_of(controllers_of(operators), session.connect(settings), list(namespaces) or None)


def _subject(serviceaccount: str | None, user: str | None) -> Subject | None:
    from genreconcile.access import Subject

    if serviceaccount and user:
        raise UsageError("--serviceaccount and --user exclude each other; give one.", code="GR102")
    if serviceaccount:
        namespace, _, account = serviceaccount.partition(":")
        if not (namespace and account):
            raise UsageError(f"--serviceaccount {serviceaccount}: is no NAMESPACE:NAME.", code="GR101")
        return Subject("serviceaccount", account, namespace)
    return Subject("user", user) if user else None


def _name_for(subject: Subject | None) -> str:
    """The name of the roles of an account: another one for each, so that nobody replaces those of somebody else."""
    if subject is None:
        return "genreconcile"
    account = re.sub("[/%]", ":", subject.name)  # What a name of a role may not have.
    return ":".join(filter(None, ("genreconcile", subject.namespace, account)))


def _rendered(objects: list[dict[str, Any]], warnings: list[Notice], output: str, header: str = _HEADER) -> str:
    from genreconcile.access.roles import as_list

    if output == "json":
        return json.dumps(as_list(objects), indent=2) + "\n"
    from genreconcile.report.yamltext import dump_all

    comments = "".join(f"# Warning: {shown(warning)}\n" for warning in warnings)
    return header + comments + dump_all(objects)
