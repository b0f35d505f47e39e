"""The proxy that leads to a server.

Invariant: a ``proxy-url`` of the kubeconfig counts alone; without one the environment does, as Go programs read it.
Source: ``golang.org/x/net/http/httpproxy``.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PORTS: Final = {"http": 80, "https": 443}


def proxy_of(server: str, proxy_url: str) -> str:
    """The URL of the proxy to ``server``, "" for none."""
    if proxy_url:
        return proxy_url
    target = urlsplit(server)
    found = _environment(f"{target.scheme}_proxy")
    if not found or (target.scheme == "http" and os.environ.get("REQUEST_METHOD")) or _is_exempt(target):
        return ""
    return found if "://" in found else f"http://{found}"


def _environment(name: str) -> str:
    return os.environ.get(name.upper()) or os.environ.get(name) or ""


def _is_exempt(target: SplitResult) -> bool:
    host = (target.hostname or "").rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = target.port or _PORTS[target.scheme]
    entries = (entry.strip().lower() for entry in _environment("no_proxy").split(","))
    return any(_matches(entry, host, address, port) for entry in entries if entry)


def _matches(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.startswith("[")):
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if address is not None:
        return _address(entry) == address
    entry = entry.removeprefix("*")
    return host.endswith(entry) if entry.startswith(".") else host == entry or host.endswith(f".{entry}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
