"""Checks of the way to the server: kubeconfig, address, proxy, TLS, clock, and who one is there.

Invariant: no finding quotes a credential, nor the user of a proxy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from genreconcile.cluster import Cluster
from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.cluster.proxies import proxy_of
from genreconcile.data import Access, Doctor, shipped
from genreconcile.doctor.finding import PROBLEM, WARNING, Finding, Level
from genreconcile.errors import ClusterError, NotFound
from genreconcile.gojson import dumps, loads

_ANONYMOUS: Final = "system:anonymous"


def way(chosen: Chosen) -> Iterator[Finding]:
    """The proxy, and whether TLS protects the way."""
    server = chosen.cluster.server
    proxy = proxy_of(server, chosen.cluster.proxy_url)
    yield Finding.ok("proxy", f"through {_without_user(proxy)}" if proxy else "none")
    if server.startswith("http:"):
        yield Finding("tls", WARNING, "plain HTTP: everybody on the way reads along, and no token is sent", "GR613")
    elif chosen.cluster.insecure_skip_tls_verify:
        yield Finding("tls", WARNING, "the server's certificate is not verified (insecure-skip-tls-verify)", "GR612")
    else:
        has_own = chosen.cluster.certificate_authority or chosen.cluster.certificate_authority_data
        yield Finding.ok("tls", f"verified by {'the authority of the kubeconfig' if has_own else 'the system'}")


def clock(headers: Mapping[str, str], before: float, after: float) -> Finding:
    """How far this clock is from the server's, which told its time between ``before`` and ``after``, epoch seconds."""
    try:
        server = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return Finding.ok("clock", "not compared: the answer has no date")
    # The server cuts its time to whole seconds.
    off = max(before - (server + 1), server - after, 0.0)
    limits = shipped(Doctor).clock
    if off <= limits.warning:
        return Finding.ok("clock", f"not more than {limits.warning} s from the server's")
    level: Level = PROBLEM if off > limits.problem else WARNING
    side = "ahead of" if before > server else "behind"
    return Finding("clock", level, f"this machine is {off:,.0f} s {side} the server", "GR615")


def now() -> float:
    """The clock of this machine, in epoch seconds."""
    return time.time()


def identity(cluster: Cluster) -> Finding:
    """Who the server says one is. Raises ClusterError where it does not accept the credentials."""
    asked = shipped(Access).self_review
    try:
        answer = loads(cluster.request("POST", asked.path, body=dumps(asked.object.to_object())))
    except NotFound:
        return Finding("identity", WARNING, "not told: the server does not know the question", "GR505")
    info = (answer.get("status") or {}).get("userInfo") or {}
    name, groups = str(info.get("username") or ""), [str(group) for group in info.get("groups") or ()]
    if not name or name == _ANONYMOUS:
        return Finding("identity", PROBLEM, "nobody: the request had no credentials that the server knows", "GR614")
    return Finding.ok("identity", f"{name}, of {', '.join(groups)}" if groups else name)


def refused(error: ClusterError) -> Finding:
    """The finding for credentials that are not accepted."""
    return Finding.of_error("identity", error)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
