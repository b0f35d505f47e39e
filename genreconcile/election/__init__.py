"""Which of several processes works: a Lease of Kubernetes, held by one of them at a time.

Invariant: a process that holds a Lease stops to believe so, by its own clock, before another one may take it.

``Lease`` says which one and how long, ``election`` decides from times and answers alone, ``Elector`` sends the
requests, ``Writes`` lets nothing be written without it. ``Sharding`` and ``ShardElector`` are that for the Leases of
shards, into which ``shard_of`` divides the parents.
"""

from genreconcile.election.elector import Elector
from genreconcile.election.lease import Lease
from genreconcile.election.partition import shard_of
from genreconcile.election.shardelector import ShardElector
from genreconcile.election.times import boottime
from genreconcile.election.writes import Writes

__all__ = ["Elector", "Lease", "ShardElector", "Writes", "boottime", "shard_of"]
