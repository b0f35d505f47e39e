"""Numbers of any spelling and size: in custom resources, in a definition, and as a ``test`` of a JSON patch."""

import json

import pytest

from genreconcile import gojson
from genreconcile.normalize.scalars import CANONICAL, Canonical
from kind.differential import generated
from kind.differential.asked import GROUP, custom, many, raw_loads
from kind.differential.tally import seeded, size
from support import objects

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def numbers(kind, sample=700, full=6000):
    return generated.numbers(seeded(kind), size(sample, full))


def decoded(text):
    """As we read it; None where no float64 is that large."""
    try:
        return gojson.loads(text)
    except ValueError:
        return None


def kept(server, kinds, field, texts):
    """(text, the server's text) of each."""

    def ask(some):
        answer = server.post(kinds, custom(field, some))
        return raw_loads(answer)["spec"][field] if answer else None

    return many(texts, ask)


def disagreements(pairs, form):
    """Where what comes back is not what was predicted, in value or in spelling."""
    by_text, by_value = {}, {}
    for sent, text in pairs:
        value = decoded(sent)
        if text is None:
            if value is not None and form == "number":
                yield "refused", sent
            continue
        canonical = CANONICAL[form](value)
        if canonical != CANONICAL[form](decoded(text)):
            yield "another value", sent, text
        if gojson.dumps(decoded(text)).decode() != text:
            yield "another spelling", sent, text
        # Neither false drift nor one that is missed.
        if by_text.setdefault(text, canonical) != canonical or by_value.setdefault(canonical, text) != text:
            yield "equal to one and not to both", sent, text


@pytest.mark.parametrize("field", ["number", "free"])
def test_numbers_of_custom_resources(server, kinds, tally, field):
    texts = numbers(field)
    tally.add(
        f"numbers: {field} of a custom resource", len(texts), disagreements(kept(server, kinds, field, texts), "number")
    )


@pytest.mark.parametrize("field", ["integer", "either"])
def test_integers_of_custom_resources(server, kinds, tally, field):
    texts = numbers(field, 250, 3000)
    found = disagreements(kept(server, kinds, field, texts), "int-or-string")
    tally.add(f"numbers: {field} of a custom resource", len(texts), found)


def test_what_is_sent_is_what_was_meant(server, kinds, tally):
    """Our own spelling of each number is kept as the one that it was written in."""
    texts = [text for text in numbers("sent") if decoded(text) is not None]
    ours = [gojson.dumps(decoded(text)).decode() for text in texts]
    before, after = (dict(kept(server, kinds, "free", some)) for some in (texts, ours))
    wrong = [(text, our) for text, our in zip(texts, ours, strict=True) if before[text] != after[our]]
    tally.add("numbers: sent as we spell them", len(texts), wrong)


@pytest.mark.parametrize("field", ["number", "free"])
def test_a_test_of_a_number_passes(server, kinds, tally, field):
    """As it was stored and read again."""
    texts = [text for text in numbers(f"test {field}") if decoded(text) is not None]
    name = f"test-{field}"
    assert server.post(kinds, custom(field, texts, name), dry_run=False)
    live = gojson.loads(server.cluster.request("GET", f"{kinds}/{name}"))["spec"][field]

    def ask(indexes):
        tests = [{"op": "test", "path": f"/spec/{field}/{index}", "value": live[index]} for index in indexes]
        return indexes if server.patch(f"{kinds}/{name}", tests) else None

    wrong = [(texts[index], live[index]) for index, passed in many(range(len(live)), ask) if passed is None]
    whole = server.patch(f"{kinds}/{name}", [{"op": "test", "path": "/spec", "value": {field: live}}])
    tally.add(f"numbers: tests of {field}", len(texts), [*wrong, *([] if whole else ["the whole list"])])


def test_bounds_of_a_definition(server, tally):
    """They are float64 in Go, but for the values that a default and an enum hold."""
    texts = [text for text in numbers("bounds", 250, 2500) if decoded(text) is not None]

    def ask(some):
        answer = server.post(CRDS, definition(some))
        if answer is None:
            return None
        schema = raw_loads(answer)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        return [(schema[f"n{i}"]["maximum"], schema[f"n{i}"]["enum"][0]) for i in range(len(some))]

    pairs = [(sent, found) for sent, found in many(texts, ask) if found]
    assert len(pairs) > len(texts) * 0.9
    # A value of -0 is spelled in two ways: no test names it.
    bounds = [(sent, found[0]) for sent, found in pairs if found[0] != "-0"]
    tally.add("numbers: bounds of a definition", len(pairs), disagreements(bounds, "float64"))
    tally.add("numbers: enums of a definition", len(pairs), disagreements([(s, f[1]) for s, f in pairs], "number"))


def definition(texts):
    """The JSON of a definition with these bounds."""
    properties = {f"n{i}": {"type": "number", "maximum": f"@{i}@", "enum": [f"@{i}@"]} for i in range(len(texts))}
    text = json.dumps(objects.definition(GROUP, objects.version("v1", objects.struct(**properties)), kind="Bound"))
    for index, number in enumerate(texts):
        text = text.replace(f'"@{index}@"', number)
    return text.encode()


def test_int_or_string_of_built_in_types(server, tally):
    """Which of the two it is stays; numbers are int32."""
    path = server.path("apis/networking.k8s.io/v1", "networkpolicies")
    rng = seeded("int-or-string")
    texts = [
        '"a"',
        '"a-1"',
        "1",
        "1.0",
        "1e2",
        "80",
        "65535",
        "65536",
        "-1",
        "0",
        "true",
        "null",
        '"80"',
        '"80%"',
        '""',
        '"1a"',
    ]
    texts += [
        json.dumps(rng.choice([rng.randrange(1, 66000), f"p{rng.randrange(10**6)}"])) for _ in range(size(300, 3000))
    ]

    def ask(some):
        head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"}}
        ports = "[" + ",".join(f'{{"port":{text}}}' for text in some) + "]"
        spec = b',"spec":{"podSelector":{},"ingress":[{"ports":%b}]}}' % ports.encode()
        answer = server.post(path, json.dumps(head)[:-1].encode() + spec)
        return [port.get("port") for port in gojson.loads(answer)["spec"]["ingress"][0]["ports"]] if answer else None

    form = CANONICAL["int-or-string"]
    wrong = [
        (sent, found) for sent, found in many(texts, ask) if found is not None and form(decoded(sent)) != form(found)
    ]
    assert form(80) != form("80")
    assert isinstance(form(80), Canonical)
    tally.add("int-or-string of a NetworkPolicy", len(texts), wrong)
