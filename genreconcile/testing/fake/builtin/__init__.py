"""What the API server does to an object of a built-in kind on its way into the store.

Invariant: pure functions over data that a real server's answers were recorded into; the engine's own rules are not
asked. All of them raise Refusal, with the server's words; an object of a custom kind passes unchanged.

A new object, in this order; name, uid, creationTimestamp and namespace come into its metadata before ``defaulted``::

    found = decode.decoded(decode.parsed(body), kind)      # 400 for wrong types
    found.require_strict(kind)                             # with fieldValidation=Strict; else found.strict are warnings
    obj = strategy.prepared(found.obj, kind)               # no status, generation 1
    obj = defaults.defaulted(obj, kind)                    # defaults, and what admission adds
    strategy.check_new(obj, kind)                          # 422
    obj = allocations.allot(obj, kind)                     # 422, 500
    allocations.take(obj, kind)                            # once it is stored, not in a dry run

A change of one, be it by PUT or by a patch of ``live``::

    obj = strategy.updated(decode.decoded(changed, kind).obj, live, kind, subresource)
    obj = strategy.updated(defaults.defaulted(obj, kind, is_new=False), live, kind, subresource)
    strategy.check_update(obj, live, kind)
    obj = allocations.allot(obj, kind)

A deletion ends at once, or after ``strategy.grace_seconds``; then ``allocations.free(obj, kind)``.
"""
