"""Questions to the real API server: what it makes of many values in one object, and which of them it refuses."""

import json

import genreconcile as gr
from genreconcile import gojson
from support.objects import definition, obj, struct, version

GROUP = "differential.genreconcile.dev"
JSON_PATCH = "application/json-patch+json"
REFUSED = {400, 422}
ITEMS = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "either": {"x-kubernetes-int-or-string": True},
    "free": {"x-kubernetes-preserve-unknown-fields": True},
    "bytes": {"type": "string", "format": "byte"},
    "times": {"type": "string", "format": "date-time"},
    "texts": {"type": "string"},
}


def raw_loads(data):
    """JSON with its numbers as they are spelled."""
    return json.loads(data, parse_int=str, parse_float=str)


class Server:
    """Writes to one namespace; every request is a dry run unless it says otherwise."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace = cluster, namespace

    def path(self, api, plural):
        return f"/{api}/namespaces/{self.namespace}/{plural}"

    def post(self, path, obj, *, dry_run=True):
        """The answer's bytes, None where it is refused. ``obj`` may be JSON."""
        body = obj if isinstance(obj, bytes) else gojson.dumps(obj)
        try:
            return self.cluster.request("POST", path, query={"dryRun": "All"} if dry_run else {}, body=body)
        except gr.ClusterError as error:
            if error.status not in REFUSED:
                raise
            return None

    def patch(self, path, operations, *, dry_run=True):
        """As post. ``operations`` may be JSON."""
        body = operations if isinstance(operations, bytes) else gojson.dumps(operations)
        query = {"dryRun": "All"} if dry_run else {}
        try:
            return self.cluster.request("PATCH", path, query=query, body=body, content_type=JSON_PATCH)
        except gr.ClusterError as error:
            if error.status not in REFUSED:
                raise
            return None


def many(values, ask, most=200):
    """(value, answer) of each value, None for one that is refused; ``ask`` takes a list, and gives one or None.

    Where all are refused the question is wrong, for then nothing would be compared.
    """
    taken = 0
    for start in range(0, len(values), most):
        for value, answer in _halved(values[start : start + most], ask):
            taken += answer is not None
            yield value, answer
    assert taken, f"all {len(values)} were refused"


def _halved(values, ask):
    answers = ask(values)
    if answers is not None:
        assert len(answers) == len(values)
        yield from zip(values, answers, strict=True)
    elif len(values) == 1:
        yield values[0], None
    else:
        middle = len(values) // 2
        yield from _halved(values[:middle], ask)
        yield from _halved(values[middle:], ask)


def define(server):
    """Define the kind; its path."""
    lists = {name: {"type": "array", "items": items} for name, items in ITEMS.items()}
    made = version("v1", struct(spec=struct(**lists)))
    crd = definition(GROUP, made, kind="Values", names={"plural": "values"})
    with gr.Reconciler(server.cluster) as reconciler:
        first = obj(f"{GROUP}/v1", "Values", "x", server.namespace)
        reconciler.reconcile([crd, first]).raise_for_failures()
    return server.path(f"apis/{GROUP}/v1", "values")


def custom(field, texts, name="values"):
    """The JSON of a custom resource with these texts of JSON in a list."""
    head = {"apiVersion": f"{GROUP}/v1", "kind": "Values", "metadata": {"name": name}}
    return json.dumps(head)[:-1].encode() + b',"spec":{"%b":[%b]}}' % (field.encode(), ",".join(texts).encode())


def pod_template(spec):
    return {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "p"}, "template": {"spec": spec}}
