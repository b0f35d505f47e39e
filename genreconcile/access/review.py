"""Asks the server which rights are missing, by SelfSubjectAccessReview.

Invariant: a right that was granted is not asked for again, so that a reconcile with nothing to do sends no request; an
answer that does not come counts as granted, for the requests themselves will tell.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from genreconcile.access.data import data
from genreconcile.access.right import Right
from genreconcile.cluster import Cluster
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.gojson import dumps, loads

_AT_ONCE = 8
_NAMES = 3

_log = logging.getLogger("genreconcile.access")


class Access:
    """What this account may do; thread-safe."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._granted: set[Right] = set()
        self._lock = threading.Lock()

    def missing(self, rights: Iterable[Right]) -> frozenset[Right]:
        """Those that are not granted. Raises Unauthorized and Unreachable."""
        open_ = self._not_known(rights)
        # Who may do it to any object may do it to this one.
        refused = self._refused({right._replace(name="") for right in open_})
        by_name = {right for right in open_ if right.name and right._replace(name="") in refused}
        refused_by_name = self._refused(by_name)
        return frozenset(right for right in open_ if right in refused_by_name or (not right.name and right in refused))

    def _not_known(self, rights: Iterable[Right]) -> set[Right]:
        with self._lock:
            granted = self._granted
            return {right for right in rights if right not in granted and right._replace(name="") not in granted}

    def _refused(self, rights: set[Right]) -> set[Right]:
        if not rights:
            return set()
        ordered = sorted(rights)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="genreconcile-access") as pool:
            answers = dict(zip(ordered, pool.map(self._ask, ordered), strict=True))
        with self._lock:
            self._granted |= {right for right, allowed in answers.items() if allowed}
        return {right for right, allowed in answers.items() if allowed is False}

    def _ask(self, right: Right) -> bool | None:
        """Whether it is granted, None where nobody says."""
        review = data()["review"]
        body = dumps({**review["object"], "spec": {"resourceAttributes": _attributes(right)}})
        try:
            answer = loads(self._cluster.request("POST", review["path"], body=body))
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            _log.warning("rights: not checked: %s", error)
            return None
        return bool((answer.get("status") or {}).get("allowed"))


def _attributes(right: Right) -> dict[str, Any]:
    found = {"verb": right.verb, "group": right.group, "resource": right.plural}
    return found | {key: text for key, text in (("namespace", right.namespace), ("name", right.name)) if text}


def told(missing: Iterable[Right]) -> str:
    """Which rights are missing, in words: ``list, watch secrets in shop; patch deployments.apps web, api in shop``."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for right in sorted(missing):
        names.setdefault((right.namespace, right.resource, right.verb), []).append(right.name)
    verbs: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (namespace, resource, verb), found in names.items():
        verbs.setdefault((namespace, resource, tuple(found)), []).append(verb)
    return "; ".join(
        f"{', '.join(found)} {resource}{_listed(of)} in {namespace or 'the cluster'}"
        for (namespace, resource, of), found in verbs.items()
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = [name for name in names if name]
    rest = f" and {len(shown) - _NAMES} more" if len(shown) > _NAMES else ""
    return f" {', '.join(shown[:_NAMES])}{rest}" if shown else ""
