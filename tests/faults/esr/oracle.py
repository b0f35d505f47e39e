"""What must hold, read from the scripted server itself."""

from faults.esr.objects import DEFINITIONS, PATHS, same


class Oracle:
    """Of a machine with a ``server``, the ``expected`` objects by kind and name, and the ``team`` that is selected."""

    def _is_reached(self, foreign):
        live = self._live()
        for key, obj in self.expected.items():
            assert same(obj, live[key]), (obj, live[key])
        left = {key for key, obj in live.items() if self._is_ours(obj)}
        assert left <= set(self.expected)
        assert {key: live.get(key) for key in foreign} == foreign

    def _foreign(self):
        """What others have and we have no say in."""
        return {
            key: obj
            for key, obj in self._live().items()
            if key not in self.expected and not self._is_ours(obj) and key[0] != DEFINITIONS
        }

    def _is_ours(self, obj):
        return (obj["metadata"].get("labels") or {}).get("team") == self.team

    def _live(self):
        """All objects by kind and name."""
        store, found = self.server.api.store, {}
        for key in store.names():
            obj = store.get(key)
            if obj["kind"] in PATHS:
                found[obj["kind"], key.name] = obj
        return found

    def _deletions_were_right(self, since):
        """Only what the selector matched, and was not expected; what a definition takes along is the server's doing."""
        for change in self.server.api.store.changes_after(since):
            if change.type == "DELETED":
                assert (change.obj["kind"], change.key.name) not in self.expected
                assert self._is_ours(change.obj)
