import pytest

from genreconcile.normalize.functions import image_pull_policy, text
from genreconcile.schema import MISSING


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/nginx", "Always"),
        ("registry.example:5000/team/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        ("nginx:latest@sha256:0123", "Always"),
        (7, MISSING),
    ],
)
def test_image_pull_policy(image, policy):
    assert image_pull_policy({"image": image}, {}) == policy
    assert image_pull_policy({"reference": image}, {"of": "reference"}) == policy


def test_without_an_image_the_tag_is_missing_too():
    assert image_pull_policy({}, {}) == "Always"


def test_text():
    assert text({"kind": "Widget"}, {"of": "kind", "lower": True}) == "widget"
    assert text({"kind": "Widget"}, {"of": "kind", "template": "{}List"}) == "WidgetList"
    assert text({}, {"of": "kind"}) is MISSING
    assert text({"kind": 1}, {"of": "kind"}) is MISSING
