"""What a user asked the API server, counted by the server itself: its audit log."""

import json
import time

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""
_WRITES = {"create", "patch", "delete"}


class AuditLog:
    """The requests of one user, as the API server logged them."""

    def __init__(self, folder, user):
        self.user = user
        self.file = folder / "audit.log"
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY)

    @property
    def arguments(self):
        """For ControlPlane(extra_apiserver_args=...); blocking, so that a request is logged before its answer ends."""
        return [
            f"--audit-policy-file={self.policy}",
            f"--audit-log-path={self.file}",
            "--audit-log-mode=blocking",
        ]

    def logged(self, since=0):
        """All events so far, of any user, but the first ``since``; a line that is being written does not count yet."""
        whole = self.file.read_text().split("\n")[:-1] if self.file.exists() else []
        return [json.loads(line) for line in whole[since:]]

    def requests(self):
        """(verb, URI) of each request so far; a watch is logged when it begins and when it ends, and counts once."""
        found = {}
        for event in self.logged():
            if event["user"]["username"] == self.user:
                found[event["auditID"]] = (event["verb"], event["requestURI"])
        return list(found.values())

    def events(self):
        """What each request came to, of those that were answered."""
        found = [event for event in self.logged() if event["user"]["username"] == self.user]
        return [event for event in found if event["stage"] == "ResponseComplete" and "objectRef" in event]

    def writes(self, text):
        """(verb, resource, name, status) of each write whose object's place or name contains ``text``."""
        return [
            (
                event["verb"],
                event["objectRef"]["resource"],
                event["objectRef"].get("name"),
                event["responseStatus"]["code"],
            )
            for event in self.events()
            if event["verb"] in _WRITES
            and text in json.dumps(event["objectRef"])
            and "dryRun" not in event["requestURI"]
        ]

    def settled(self):
        """The requests, once none has come for a while: watches begin in threads of their own."""
        before = None
        while (now := self.requests()) != before:
            before = now
            time.sleep(0.5)
        return now

    def asked(self):
        """The same without what goes on by itself: a watch ends after a while and is opened again, after a look."""
        return [(verb, uri) for verb, uri in self.settled() if verb != "watch" and not is_look(uri)]


def is_look(uri):
    """Whether a list asks for one object: so a cache learns whether the server still knows its version."""
    return uri.endswith("?limit=1")
