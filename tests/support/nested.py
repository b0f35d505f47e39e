"""JSON that is nested deeply, and how deep this Python's decoder goes: 3.11 does not go as deep as 3.13."""

from genreconcile import gojson


def nested(depth, leaf=b"1"):
    """The text of objects, one in the other, around a leaf."""
    return b'{"a":' * depth + leaf + b"}" * depth


def is_read(text):
    """Whether this Python's decoder takes the text."""
    try:
        gojson.loads(text)
    except RecursionError:
        return False
    return True
