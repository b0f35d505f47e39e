"""The faults that the state machine picks from, by name; each is made for a server as it is then."""

from support.api import effects, streams

EFFECTS = {
    "410": lambda _: effects.Refuse(410, "Expired"),
    "429": lambda _: effects.Refuse(429, retry_after=1),
    "500": lambda _: effects.Refuse(500),
    "503": lambda _: effects.Refuse(503),
    "504": lambda _: effects.Refuse(504),
    "a proxy's page": lambda _: effects.Refuse(502, body=b"<html>bad gateway</html>"),
    "dropped": lambda _: effects.Drop(),
    "reset": lambda _: effects.Drop(reset=True),
    "truncated": lambda _: effects.Truncate(),
    "shortened": lambda _: effects.Shorten(),
    "cut": lambda _: streams.cut(1),
    "cut in a line": lambda _: streams.cut(1, line_share=0.5),
    "ended early": lambda _: streams.cut(0, politely=True),
    "410 event": lambda _: streams.error_event(410, "Expired"),
    "500 event": lambda _: streams.error_event(500),
    "twice": lambda _: streams.duplicate(),
    "no bookmarks": lambda _: streams.without_bookmarks(),
    "stale": lambda server: effects.Stale(max(server.api.store.compacted, server.revision - 3)),
}
WRITE_EFFECTS = {
    "done, then dropped": lambda _: effects.CommitThenDrop(),
    "done, then reset": lambda _: effects.CommitThenDrop(reset=True),
    "409": lambda _: effects.Refuse(409, "Conflict"),
    "422": lambda _: effects.Refuse(422, "Invalid"),
    "403": lambda _: effects.Refuse(403, "Forbidden"),
}
