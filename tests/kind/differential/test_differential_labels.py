"""Labels and selectors: which the server takes, and what a selector selects there."""

import pytest

from genreconcile import gojson
from genreconcile.errors import ClusterError, LoadError
from genreconcile.selector import is_label_key, is_label_value, parse
from kind.differential import generated_labels as generated
from kind.differential.asked import REFUSED, many
from kind.differential.tally import seeded, size


@pytest.mark.parametrize("what", ["keys", "values"])
def test_label_texts(server, tally, what):
    texts = generated.texts(seeded(what), size(600, 4000))
    path = server.path("api/v1", "configmaps")
    is_valid = is_label_key if what == "keys" else is_label_value

    def ask(some):
        labels = dict.fromkeys(some, "v") if what == "keys" else {f"k{i}": text for i, text in enumerate(some)}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "l", "labels": labels}}
        return some if server.post(path, config) else None

    wrong = [text for text, taken in many(texts, ask, 50) if (taken is not None) != is_valid(text)]
    tally.add(f"labels: {what}", len(texts), wrong)


@pytest.fixture(scope="module")
def labelled(server):
    """The labels of each object in a list, by its name."""
    rng = seeded("labelled")
    path = server.path("api/v1", "configmaps")
    valid = [value for value in generated.VALUES if is_label_value(value)]
    found = {}
    for index in range(60):
        labels = {key: rng.choice(valid) for key in rng.sample(generated.KEYS, rng.randrange(4))}
        found[f"labelled-{index}"] = labels
        metadata = {"name": f"labelled-{index}", "labels": labels}
        assert server.post(path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, dry_run=False)
    return path, found


def test_selectors(server, labelled, tally):
    """What we refuse is of no harm; what we take selects what the server selects, in our spelling as well."""
    path, objects = labelled
    texts = generated.selectors(seeded("selectors"), size(800, 6000))
    wrong, taken = [], 0
    for text in texts:
        try:
            selector = parse(text)
        except LoadError:
            continue
        taken += 1
        ours = {name for name, labels in objects.items() if selector.matches(labels)}
        wrong += [(text, spelling) for spelling in (text, str(selector)) if selected(server, path, spelling) != ours]
    assert taken > len(texts) / 4
    tally.add("selectors", len(texts), wrong)


def test_selectors_that_are_refused(server, labelled, tally):
    path, _ = labelled
    texts = [
        text for text in generated.selectors(seeded("refused"), size(300, 2000)) if "<" not in text and ">" not in text
    ]
    wrong, refused = [], 0
    for text in texts:
        try:
            parse(text)
        except LoadError:
            refused += 1
            if selected(server, path, text) is not None:
                wrong.append(text)
    assert refused > len(texts) / 20
    tally.add("selectors: refused", len(texts), wrong)


def selected(server, path, text):
    """The names of what the server selects, None where it refuses."""
    try:
        answer = server.cluster.request("GET", path, query={"labelSelector": text})
    except ClusterError as error:
        if error.status not in REFUSED:
            raise
        return None
    names = {item["metadata"]["name"] for item in gojson.loads(answer)["items"]}
    return {name for name in names if name.startswith("labelled-")}
