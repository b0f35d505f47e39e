"""Kubeconfig files → one context's cluster, user and namespace, as kubectl chooses them.

Invariants: of several files the first that has an entry wins; a path is relative to the file that holds it; nothing is
run or sent here; no message quotes a value. Source: ``k8s.io/client-go/tools/clientcmd``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import structs

from genreconcile.cluster.entries import ClusterEntry, Config, ContextEntry, UserEntry, config
from genreconcile.errors import LoadError, Unreachable
from genreconcile.manifests.parse import documents

_LARGEST: Final = 16 * 1024 * 1024
_DEFAULT: Final = "~/.kube/config"
_ADVICE: Final = "name a file with --kubeconfig or $KUBECONFIG"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cluster, user and namespace of one context. ``place`` is the file's name in messages; paths are resolved."""

    place: str
    context: str
    cluster: ClusterEntry
    user: UserEntry
    namespace: str = ""

    def unusable(self, problem: str, advice: str = _ADVICE, *, code: str = "GR601") -> Unreachable:
        """The error for a context that cannot be used."""
        return unusable(self.place, problem, advice, code=code)


@dataclass(slots=True)
class Merged:
    """The entries of all files, by name."""

    place: str
    current: str = ""
    clusters: dict[str, ClusterEntry] = field(default_factory=dict)
    users: dict[str, UserEntry] = field(default_factory=dict)
    contexts: dict[str, ContextEntry] = field(default_factory=dict)

    def add(self, file: Config, folder: str | None) -> None:
        """Add the entries whose names are not taken yet; ``folder`` holds the file, None for a text."""
        self.current = self.current or file.current_context
        for context in file.contexts:
            self.contexts.setdefault(context.name, context.context)
        for cluster in file.clusters:
            self.clusters.setdefault(cluster.name, _resolved_cluster(cluster.cluster, folder))
        for user in file.users:
            self.users.setdefault(user.name, _resolved_user(user.user, folder))

    def choose(self, context: str | None) -> Chosen:
        """The entries of the context, or of the current one. Raises Unreachable."""
        name = context or self.current
        if not name:
            raise unusable(self.place, "it has no current-context", "name one with --context")
        chosen = self.contexts.get(name)
        if chosen is None:
            raise unusable(self.place, f"it has no context {name!r}", _those(self.contexts, "contexts"))
        cluster, user = self.clusters.get(chosen.cluster), self.users.get(chosen.user)
        if cluster is None:
            problem = f"its context {name!r} names the cluster {chosen.cluster!r}, which it has not"
            raise unusable(self.place, problem, _those(self.clusters, "clusters"))
        if user is None and chosen.user:
            problem = f"its context {name!r} names the user {chosen.user!r}, whom it has not"
            raise unusable(self.place, problem, _those(self.users, "users"))
        return Chosen(self.place, name, cluster, user or UserEntry(), chosen.namespace)


def unusable(place: str, problem: str, advice: str = _ADVICE, *, code: str = "GR601") -> Unreachable:
    """The error for a file that cannot be used."""
    return Unreachable(f"{place}: not usable: {problem}; {advice}", code=code)


def is_text(kubeconfig: str | os.PathLike[str] | None) -> bool:
    """Whether ``kubeconfig`` is a file's content, not a path: the content is a mapping, so it has a brace or lines."""
    return isinstance(kubeconfig, str) and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{"))


def merged(kubeconfig: str | os.PathLike[str] | None) -> Merged | None:
    """The entries of the file, of the text, or by default of the default files; None where no default file exists.

    Raises Unreachable.
    """
    if kubeconfig is not None and is_text(kubeconfig):
        found = Merged("kubeconfig")
        found.add(_parsed(str(kubeconfig), "kubeconfig"), None)
        return found
    if kubeconfig:
        return _read(Merged(str(kubeconfig)), Path(kubeconfig).expanduser(), os.fspath(kubeconfig))
    default = list(_defaults())
    found = Merged("kubeconfig")
    for path, shown in default:
        found.place = str(shown) if len(default) == 1 else found.place
        _read(found, path, shown)
    return found if default else None


def default_places() -> str:
    """The default files, separated as in ``$KUBECONFIG``, for messages as well."""
    return os.environ.get("KUBECONFIG") or _DEFAULT


def _defaults() -> Iterator[tuple[Path, str]]:
    for part in dict.fromkeys(default_places().split(os.pathsep)):
        path = Path(part).expanduser()
        if part and path.exists():
            yield path, part


def _read(found: Merged, path: Path, shown: str) -> Merged:
    problem = ""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # The exception holds the content, and must not be chained.
        problem = "it is no text in UTF-8"
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", "") or "this is no path"
    if not problem and len(content) > _LARGEST:
        problem = f"it is larger than {_LARGEST} bytes"
    if problem:
        raise unusable(shown, problem)
    found.add(_parsed(text, shown), str(path.absolute().parent))
    return found


def _parsed(text: str, shown: str) -> Config:
    try:
        first = next(documents(text, shown), None)
        return config(first[0]) if first else Config()
    except LoadError as error:
        problem = str(error)
    except ValueError as error:
        problem = f"{shown}: not usable: {error}; correct it"
    raise Unreachable(problem.replace(": not readable: ", ": not usable: ", 1), code="GR601")


def _resolved_cluster(cluster: ClusterEntry, folder: str | None) -> ClusterEntry:
    return structs.replace(cluster, certificate_authority=_resolved(cluster.certificate_authority, folder))


def _resolved_user(user: UserEntry, folder: str | None) -> UserEntry:
    plugin = user.exec_
    if plugin is not None:
        # A command without a separator is looked up in $PATH.
        command = _resolved(plugin.command, folder) if os.sep in plugin.command else plugin.command
        plugin = structs.replace(plugin, command=command, spelled=plugin.command)
    return structs.replace(
        user,
        client_certificate=_resolved(user.client_certificate, folder),
        client_key=_resolved(user.client_key, folder),
        token_file=_resolved(user.token_file, folder),
        exec_=plugin,
    )


def _resolved(path: str, folder: str | None) -> str:
    return os.path.normpath(Path(folder, path)) if path and folder and not Path(path).is_absolute() else path


def _those(
    entries: dict[str, object] | dict[str, ContextEntry] | dict[str, ClusterEntry] | dict[str, UserEntry], kind: str
) -> str:
    names = ", ".join(sorted(entries)[:10])
    return f"its {kind} are {names}" if names else f"it has no {kind}"
