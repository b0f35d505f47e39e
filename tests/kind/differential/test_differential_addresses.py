"""Addresses in built-in types."""

import pytest

from genreconcile import gojson
from kind.differential import generated
from kind.differential.asked import many, pod_template
from kind.differential.tally import seeded, size


def network_policy(texts):
    blocks = [{"ipBlock": {"cidr": text}} for text in texts]
    spec = {"podSelector": {}, "ingress": [{"from": blocks}]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"}, "spec": spec}


def service(field):
    def make(texts):
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}], field: texts}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "n"}, "spec": spec}

    return make


def host_aliases(texts):
    return pod_template({"containers": [{"name": "c", "image": "i"}], "hostAliases": [{"ip": text} for text in texts]})


def nameservers(texts):
    dns = {"nameservers": texts}
    return pod_template({"containers": [{"name": "c", "image": "i"}], "dnsPolicy": "None", "dnsConfig": dns})


def endpoints(texts):
    head = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "n"}}
    return {**head, "addressType": "IPv6", "endpoints": [{"addresses": [text]} for text in texts]}


# Where they are, what to make of texts, the key that holds them, and how many one object takes.
PLACES = [
    ("apis/networking.k8s.io/v1/networkpolicies", network_policy, "cidr", 100),
    ("api/v1/services", service("loadBalancerSourceRanges"), "loadBalancerSourceRanges", 20),
    ("api/v1/services", service("externalIPs"), "externalIPs", 20),
    ("api/v1/podtemplates", host_aliases, "ip", 100),
    ("api/v1/podtemplates", nameservers, "nameservers", 3),
    ("apis/discovery.k8s.io/v1/endpointslices", endpoints, "addresses", 100),
]


@pytest.mark.parametrize("place", PLACES, ids=[place[2] for place in PLACES])
def test_addresses_are_kept_as_they_are_written(server, tally, place):
    """Where they are taken at all: no rule may say that their spelling does not matter."""
    where, make, key, most = place
    generate = generated.networks if key in {"cidr", "loadBalancerSourceRanges"} else generated.addresses
    texts = generate(seeded(key), size(250, 2000))

    def ask(some):
        answer = server.post(server.path(*where.rsplit("/", 1)), make(some))
        return list(values_of(gojson.loads(answer), key)) if answer else None

    wrong = [(text, kept) for text, kept in many(texts, ask, most) if kept is not None and kept != text]
    tally.add(f"addresses: {key}", len(texts), wrong)


def values_of(value, key):
    """The texts under a key, wherever it stands."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name == key:
                yield from entry if isinstance(entry, list) else [entry]
            elif name != "managedFields":
                yield from values_of(entry, key)
    elif isinstance(value, list):
        for member in value:
            yield from values_of(member, key)
