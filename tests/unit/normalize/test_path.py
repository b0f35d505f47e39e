import pytest

from genreconcile.normalize import path
from genreconcile.pointer import token_matches


def test_parse():
    assert path.parse_path("spec/a~1b/*") == ("spec", "a/b", "*")
    assert path.parse_path("/spec") == ("spec",)


@pytest.mark.parametrize("text", ["", "/", "a//b", "a/"])
def test_empty_parts_are_refused(text):
    with pytest.raises(ValueError, match="empty part"):
        path.parse_path(text)


@pytest.mark.parametrize(
    ("token", "key", "matched"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("*", "x", True),
        ("v?", "v1", True),
        ("v?", "v12", False),
        ("[a]", "a", False),
        ("[a]*", "ab", False),
        ("[a]*", "[a]b", True),
        ("[!a*", "[!a]", True),
    ],
)
def test_matches(token, key, matched):
    assert token_matches(token, key) is matched
