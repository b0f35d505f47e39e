"""The options that diff, plan, apply and rbac share.

Invariant: a combination that would delete more than the user asked for is refused before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import click

from genreconcile.arguments import Fields, OnImmutable, OwnerTool, Propagation
from genreconcile.cli.usage import UsageError
from genreconcile.objects import GVK
from genreconcile.selector import parse

FORMATS = ("text", "diff", "patch", "json")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The values of the options ``CONNECTION``: which cluster, and as whom."""

    context: str | None
    kubeconfig: str | None
    as_user: str | None
    as_groups: tuple[str, ...]
    as_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags(Connection):
    """The values of a command's options; the fields are the names of their parameters."""

    filenames: tuple[str, ...]
    recursive: bool
    namespace: str
    delete_from_namespace: str
    delete_selector: str | None
    kinds: tuple[str, ...]
    delete_kinds: tuple[str, ...]
    allow_empty: bool
    max_deletions: int | None
    owner: str
    owner_tool: OwnerTool
    fields: Fields
    output: str
    verbosity: int
    rules: tuple[str, ...] = ()
    tool_marks: bool = True
    prune_first: bool = False
    yes: bool = False
    verify: bool = False
    on_immutable: OnImmutable = "fail"
    cascade: Propagation | None = None
    wait: bool = False
    wait_waves: bool = False
    timeout: float = 120.0
    dry_run: str = "none"

    def __post_init__(self) -> None:
        if self.owner and (self.delete_from_namespace or self.delete_selector is not None):
            raise UsageError(
                "--applyset says what to delete; leave --delete-from-namespace and --delete-selector out.", code="GR102"
            )
        if bool(self.delete_from_namespace) != (self.delete_selector is not None):
            raise UsageError(
                "--delete-from-namespace and --delete-selector go together; give both or none.", code="GR102"
            )
        if self.delete_selector is not None and parse(self.delete_selector).is_everything:
            raise UsageError(
                "--delete-selector is empty: it would delete whatever is not expected; name a label, such as app=web.",
                code="GR104",
            )
        for kind in self.kinds:
            if kind == "*":
                continue
            try:
                GVK.parse(kind)
            except ValueError as error:
                raise UsageError(f"--kinds: {error}.", code="GR113") from None

    @classmethod
    def without_deletions(cls, **options: Any) -> Flags:
        """The values for a command that has no options about fields and deletions."""
        return cls(
            delete_from_namespace="",
            delete_selector=None,
            kinds=(),
            delete_kinds=(),
            allow_empty=False,
            max_deletions=None,
            owner="",
            owner_tool="genreconcile",
            fields="exact",
            **{"output": "text", **options},
        )

    @property
    def deletes(self) -> bool:
        """Whether the options let objects be deleted."""
        return bool(self.owner) or self.delete_selector is not None


class _Seconds(click.ParamType):  # type: ignore[type-arg] # Before click 8.4 it takes none.
    """A number of seconds, or a duration as kubectl's users write it."""

    name = "duration"
    _UNITS: ClassVar = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    _PART: ClassVar = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = f"{value}s" if re.fullmatch(r"\d+(\.\d+)?", str(value)) else str(value)
        if not re.fullmatch(f"(?:{self._PART.pattern})+", text):
            self.fail(f"{text!r} is no duration; write seconds, or one such as 90s or 1h30m", param, ctx)
        return sum(float(number) * self._UNITS[unit] for number, unit in self._PART.findall(text))


class _Verbosity(click.ParamType):  # type: ignore[type-arg] # As above.
    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        # kubectl's users write -v=6, which click passes as "=6".
        text = str(value).removeprefix("=")
        if not text.isdecimal():
            self.fail(f"{text!r} is no number", param, ctx)
        return int(text)


def shared(default_output: str, formats: Sequence[str] = FORMATS, *, needs_files: bool = True) -> Decorator:
    """A decorator that adds the options to a command, which gets their values as keywords of ``Flags``."""
    expected = _EXPECTED if needs_files else (*optional_files(), *_EXPECTED[len(FILES) :])
    return added(*expected, *CONNECTION, *_DELETION, output_option(default_output, formats), VERBOSITY)


def added(*options: Decorator) -> Decorator:
    """A decorator that adds these options to a command, in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


NAMESPACE = click.option("-n", "--namespace", default="", metavar="NS", help="Namespace of objects that name none.")
DELETE_SELECTOR = click.option(
    "--delete-selector", metavar="SELECTOR", help="Labels of what may be deleted, as kubectl's -l."
)
DELETE_KINDS = click.option(
    "--delete-kinds",
    multiple=True,
    metavar="KIND",
    help="Delete objects of this kind although others go with them, written Example.group. Repeatable.",
)


def _files(*, required: bool) -> Decorator:
    return click.option(
        "-f",
        "--filename",
        "filenames",
        multiple=True,
        required=required,
        metavar="PATH",
        help="File, folder, or - for stdin. Repeatable.",
    )


_RECURSIVE = click.option("-R", "--recursive", is_flag=True, help="Look below the folders as well.")
FILES = (_files(required=True), _RECURSIVE, NAMESPACE)


def optional_files() -> tuple[Decorator, ...]:
    """The options ``FILES`` for a command that does without files as well."""
    return (_files(required=False), *FILES[1:])


RULES = click.option(
    "--rules", multiple=True, metavar="PATH", help="Rules of your own, in front of the shipped ones. Repeatable."
)
TIMEOUT = click.option(
    "--timeout",
    type=_Seconds(),
    default="120s",
    show_default=True,
    help="How long to wait until objects are ready, or gone: seconds, or a duration such as 5m.",
)
_EXPECTED = (
    *FILES,
    click.option(
        "--fields",
        type=click.Choice(("exact", "subset")),
        default="exact",
        show_default=True,
        help="Compare every field, or only those that the files set.",
    ),
    RULES,
    click.option(
        "--no-tool-marks",
        "tool_marks",
        flag_value=False,
        default=True,
        help="Remove the marks of other tools too, such as Helm's and Argo CD's, where the files do not hold them.",
    ),
)
CONNECTION = (
    click.option("--context", metavar="NAME", help="Context of the kubeconfig."),
    click.option("--kubeconfig", metavar="PATH", help="The kubeconfig file."),
    click.option("--as", "as_user", metavar="USER", help="User to impersonate, who is then judged by the server."),
    click.option("--as-group", "as_groups", multiple=True, metavar="GROUP", help="Group to impersonate. Repeatable."),
    click.option("--as-uid", metavar="UID", help="UID to impersonate."),
)
_DELETION = (
    click.option(
        "--delete-from-namespace",
        default="",
        metavar="NS",
        help="Delete from this namespace what --delete-selector matches and the files do not hold.",
    ),
    DELETE_SELECTOR,
    click.option(
        "--applyset",
        "owner",
        default="",
        metavar="NAME",
        help="Parent of the set that the objects are in, as configmaps/shop. Delete what left the set.",
    ),
    click.option(
        "--applyset-tool",
        "owner_tool",
        type=click.Choice(("genreconcile", "kubectl")),
        default="genreconcile",
        show_default=True,
        help="Whose set it is: kubectl shares it with kubectl apply --prune --applyset.",
    ),
    click.option(
        "--kinds",
        multiple=True,
        metavar="KIND",
        help="Delete objects of this kind too, written apps/v1/Example, beside the kinds in the files; "
        "'*': of all that the server can list and delete. Repeatable.",
    ),
    DELETE_KINDS,
    click.option(
        "--prune-first", is_flag=True, help="Delete before anything is created, to free ports, addresses and quotas."
    ),
    click.option("--allow-empty", is_flag=True, help="Delete also if the files hold no object at all."),
    click.option(
        "--max-deletions",
        type=click.IntRange(min=0),
        metavar="N",
        help="Delete nothing if it were more than this.  [default: 5, or 20 % of those there are]",
    ),
)
VERIFY = click.option(
    "--verify", is_flag=True, help="Dry-run the patches, and show no difference that the server does not see."
)
VERBOSITY = click.option(
    "-v",
    "--v",
    "verbosity",
    type=_Verbosity(),
    default=0,
    is_flag=False,
    flag_value="1",
    metavar="N",
    help="Log to stderr: 1 steps, 6 requests and tracebacks.",
)


def output_option(default: str, formats: Sequence[str]) -> Decorator:
    """The option that says in which of ``formats`` a command prints."""
    choice = click.Choice(formats)
    return click.option(
        "-o", "--output", type=choice, default=default, show_default=True, help="What is printed on stdout."
    )
