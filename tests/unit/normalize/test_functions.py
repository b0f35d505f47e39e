import pytest

from genreconcile.kinds.types import MISSING
from genreconcile.normalize.functions import image_pull_policy, text


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/nginx", "Always"),
        ("registry.example:5000/team/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        ("nginx@sha256:" + "0" * 64, "IfNotPresent"),
        ("nginx:latest@sha256:" + "0" * 64, "Always"),
        ("nginx:latest@sha256:0123", "IfNotPresent"),
        ("{{ .image }}", "IfNotPresent"),
        ("Team/App:latest", "IfNotPresent"),
        ("Registry/app", "Always"),
        ("a" * 64, "IfNotPresent"),
        ("a" * 247, "Always"),
        ("a" * 248, "IfNotPresent"),
        ("localhost/" + "a" * 1000, "IfNotPresent"),
        (7, MISSING),
    ],
)
def test_image_pull_policy(image, policy):
    assert image_pull_policy({"image": image}, {}) == policy
    assert image_pull_policy({"reference": image}, {"of": "reference"}) == policy


def test_without_an_image_there_is_no_reference():
    assert image_pull_policy({}, {}) == "IfNotPresent"


def test_text():
    assert text({"kind": "Widget"}, {"of": "kind", "lower": True}) == "widget"
    assert text({"kind": "W\u0130dget"}, {"of": "kind", "lower": True}) == "widget"
    assert text({"kind": "Widget"}, {"of": "kind", "template": "{}List"}) == "WidgetList"
    assert text({}, {"of": "kind"}) is MISSING
    assert text({"kind": 1}, {"of": "kind"}) is MISSING
