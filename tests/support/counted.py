"""A cluster that counts what is written through it."""


class Counted:
    """Passes everything on to ``cluster``; ``writes`` are the method and path of each request that is no GET."""

    def __init__(self, cluster):
        self.admin = cluster
        self.writes = []

    def __getattr__(self, name):
        return getattr(self.admin, name)

    def request(self, method, path, **settings):
        if method != "GET":
            self.writes.append((method, path))
        return self.admin.request(method, path, **settings)


class Patches(Counted):
    """A cluster that counts patches: "All" is a dry run."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.sent = []

    def request(self, method, path, **settings):
        if method == "PATCH":
            self.sent.append((settings.get("query") or {}).get("dryRun", ""))
        return super().request(method, path, **settings)
