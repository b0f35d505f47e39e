"""A cluster that counts the patches written through it."""

from support.api.passing import Counted


class Patches(Counted):
    """A cluster that counts patches: "All" is a dry run."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.sent = []

    def request(self, method, path, **settings):
        if method == "PATCH":
            self.sent.append((settings.get("query") or {}).get("dryRun", ""))
        return super().request(method, path, **settings)
