"""A local copy of the cluster's objects, kept current by one list and watch per kind, and read without requests.

A ``Reflector`` lists and watches one resource and feeds a ``Store``; the ``Cache`` (client-go would call it an
informer factory) holds one of each per kind, and tells subscribers of changes. Objects are held as JSON bytes and
decoded at each read: the garbage collector has less to do, and no reader can change a cached object.
"""

from genreconcile.cache.informer import Cache
from genreconcile.cache.interest import Interest, Question
from genreconcile.cache.lister import Kind
from genreconcile.cache.pace import Pace
from genreconcile.cache.sighting import Sighting
from genreconcile.cache.store import Store
from genreconcile.cache.subscribers import CacheEvent, Loss
from genreconcile.cache.transform import Record

__all__ = ["Cache", "CacheEvent", "Interest", "Kind", "Loss", "Pace", "Question", "Record", "Sighting", "Store"]
