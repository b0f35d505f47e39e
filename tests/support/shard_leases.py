"""The Leases of shards in memory, for those who decide about them without a server."""

from genreconcile.election.election import Look


class Server:
    """The Leases of a namespace."""

    def __init__(self):
        self.leases, self.version = {}, 0

    def answer(self, step):
        """None for a conflict."""
        if isinstance(step, Look):
            return dict(self.leases)
        metadata = step.body["metadata"]
        live = self.leases.get(metadata["name"])
        wanted = None if step.creates else metadata["resourceVersion"]
        if wanted != (None if live is None else live["metadata"]["resourceVersion"]):
            return None
        self.version += 1
        self.leases[metadata["name"]] = {**step.body, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        return self.leases[metadata["name"]]
