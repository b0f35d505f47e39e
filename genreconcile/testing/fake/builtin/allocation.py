"""The addresses and ports that the server allots to Services.

Invariant: what is in use is allotted to no one else; the same requests are allotted the same values, the lowest that
are free. Not done: a second family of addresses, and address ranges of one's own.
"""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genreconcile.testing.fake.builtin.causes import Cause, require
from genreconcile.testing.fake.builtin.tables import name_of, table
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.wire import Refusal

_PORTS = range(30000, 32768)
_TAKEN = "provided port is already allocated"
_HEADLESS = "None"

Owner = tuple[str, str]
"""Namespace and name."""
Use = tuple[str, str, Any]
"""What is used (``ip``, ``node`` or ``health``), by which protocol, and its value."""


class Allocations:
    """``addresses`` is the range for Services of the cluster."""

    def __init__(self, addresses: str = "10.96.0.0/16") -> None:
        self._network = ipaddress.ip_network(addresses)
        self._used: dict[Use, Owner] = {("ip", "", str(self._network[1])): ("", "")}

    def allot(self, obj: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
        """A copy with all that a Service of its type has; objects of other kinds come back as they are.

        Nothing is taken until ``take``. Raises Refusal: 422, or 500 for a health check's port.
        """
        if name_of(kind) != table()["allotted"]:
            return dict(obj)
        found: dict[str, Any] = copy.deepcopy(dict(obj))
        spec = found["spec"]
        mine = {use for use, owner in self._used.items() if owner == _owner(obj)}
        causes = [*self._addresses(spec, mine), *self._ports(spec, mine)]
        require(kind.kind, obj, causes)
        self._health(spec, mine)
        return found

    def take(self, obj: Mapping[str, Any], kind: Kind) -> None:
        """Note what a stored object uses, and that it uses nothing else any more."""
        self.free(obj, kind)
        if name_of(kind) == table()["allotted"]:
            self._used.update(dict.fromkeys(_uses(obj["spec"]), _owner(obj)))

    def free(self, obj: Mapping[str, Any], kind: Kind) -> None:
        """Note that an object is gone."""
        if name_of(kind) == table()["allotted"]:
            self._used = {use: owner for use, owner in self._used.items() if owner != _owner(obj)}

    def _addresses(self, spec: dict[str, Any], mine: set[Use]) -> Iterator[Cause]:
        """Cluster addresses, for all types but that of a name outside."""
        if spec.get("type") not in {"ClusterIP", "NodePort", "LoadBalancer"}:
            for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                spec.pop(name, None)
            return
        wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if not wanted:
            wanted = self._lowest("ip", "", (str(address) for address in self._network.hosts()), mine)
        elif wanted != _HEADLESS and ("ip", "", wanted) not in mine:
            yield from self._refused_address(wanted)
        spec |= {"clusterIP": wanted, "clusterIPs": [wanted]}

    def _refused_address(self, wanted: str) -> Iterator[Cause]:
        try:
            is_outside = ipaddress.ip_address(wanted) not in self._network
        except ValueError:
            text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            yield Cause.invalid("spec.clusterIPs[0]", wanted, text)
            return
        text = "the provided network does not match the current range" if is_outside else ""
        if not text and ("ip", "", wanted) in self._used:
            text = "provided IP is already allocated"
        if text:
            yield Cause.invalid("spec.clusterIPs", [wanted], f"failed to allocate IP {wanted}: {text}")

    def _ports(self, spec: dict[str, Any], mine: set[Use]) -> Iterator[Cause]:
        """Node ports, one for each port; those of one number and two protocols share it."""
        is_open = spec.get("type") == "NodePort" or (
            spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
        )
        shared: dict[int, int] = {}
        seen: set[Use] = set()
        for index, port in enumerate(spec.get("ports") or ()):
            number, protocol = port.get("nodePort"), port.get("protocol", "")
            if number:
                yield from self._refused_port(index, number, ("node", protocol, number), mine, seen)
            elif is_open:
                number = shared.get(port["port"]) or self._lowest("node", protocol, _PORTS, mine, seen)
                if ("node", protocol, number) in seen:
                    number = self._lowest("node", protocol, _PORTS, mine, seen)
                port["nodePort"] = number
            if number:
                shared.setdefault(port["port"], number)
                seen.add(("node", protocol, number))

    def _refused_port(self, index: int, number: int, use: Use, mine: set[Use], seen: set[Use]) -> Iterator[Cause]:
        field = f"spec.ports[{index}].nodePort"
        if number not in _PORTS and use not in mine:
            text = f"provided port is not in the valid range. The range of valid ports is {_PORTS[0]}-{_PORTS[-1]}"
            yield Cause.invalid(field, number, text)
        elif use in seen or (use not in mine and self._is_port_used(number)):
            yield Cause.invalid(field, number, _TAKEN)

    def _health(self, spec: dict[str, Any], mine: set[Use]) -> None:
        """The port of the health check, for those that keep to the nodes of their Pods."""
        if spec.get("type") != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
            spec.pop("healthCheckNodePort", None)
            return
        number = spec.get("healthCheckNodePort")
        seen = {("node", "", port["nodePort"]) for port in spec.get("ports") or () if port.get("nodePort")}
        if not number:
            spec["healthCheckNodePort"] = self._lowest("health", "", _PORTS, mine, seen)
        elif ("health", "", number) not in mine and self._is_port_used(number):
            text = f"failed to allocate requested HealthCheck NodePort {number}: {_TAKEN}"
            raise Refusal(500, f"Internal error occurred: {text}", details={"causes": [{"message": text}]})

    def _is_port_used(self, number: int) -> bool:
        return any(what != "ip" and value == number for what, _, value in self._used)

    def _lowest(self, what: str, protocol: str, values: Iterable[Any], mine: set[Use], seen: Iterable[Use] = ()) -> Any:
        """The lowest that is free; what the object has already, where it has one."""
        beside = {value for _, _, value in seen}
        used = {value for kind, _, value in self._used if (kind == "ip") == (what == "ip")} | beside
        own = sorted(value for kind, proto, value in mine if (kind, proto) == (what, protocol) and value not in beside)
        return own[0] if own else next(value for value in values if value not in used)


def _owner(obj: Mapping[str, Any]) -> Owner:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _uses(spec: Mapping[str, Any]) -> Iterator[Use]:
    for address in spec.get("clusterIPs") or ():
        if address != _HEADLESS:
            yield "ip", "", address
    for port in spec.get("ports") or ():
        if port.get("nodePort"):
            yield "node", port.get("protocol", ""), port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield "health", "", spec["healthCheckNodePort"]
