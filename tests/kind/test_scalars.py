"""The table of value and pointer fields, held against the server that the tests run on."""

import copy
import re

import pytest
import yaml

from genreconcile import gojson
from genreconcile.cluster import connect
from genreconcile.errors import ClusterError
from genreconcile.kinds.types import TypeGraph, document_path
from genreconcile.normalize.tables import tables
from genreconcile.objects import GVK

# Each is accepted as it stands, and holds no name or port that the server would choose.
MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: zero, ownerReferences: [{apiVersion: v1, kind: Node, name: n, uid: u}]}
spec:
  automountServiceAccountToken: false
  securityContext: {seLinuxOptions: {level: s}, sysctls: [{name: kernel.x, value: "1"}]}
  imagePullSecrets: [{name: s}]
  hostAliases: [{ip: 192.0.2.1}]
  dnsConfig: {options: [{name: n}]}
  tolerations: [{operator: Exists}]
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: t, whenUnsatisfiable: DoNotSchedule}]
  affinity:
    podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: t}]}
    nodeAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 1, preference: {matchExpressions: [{key: k, operator: Exists}]}}
  containers:
  - name: c
    image: i
    ports: [{containerPort: 80}]
    env:
    - {name: A}
    - {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: D, valueFrom: {configMapKeyRef: {name: n, key: k}}}
    - {name: E, valueFrom: {secretKeyRef: {name: n, key: k}}}
    envFrom: [{configMapRef: {name: n}}]
    livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: n, value: v}]}}
    readinessProbe: {tcpSocket: {port: 80}}
    startupProbe: {grpc: {port: 80}}
    lifecycle: {preStop: {httpGet: {port: 80}}}
    securityContext: {capabilities: {add: [A]}, seLinuxOptions: {level: s}}
    volumeMounts: [{name: empty, mountPath: /empty}]
  volumes:
  - {name: empty, emptyDir: {}}
  - {name: map, configMap: {name: n, items: [{key: k, path: p}]}}
  - {name: secret, secret: {secretName: n, items: [{key: k, path: p}]}}
  - {name: host, hostPath: {path: /p}}
  - {name: claim, persistentVolumeClaim: {claimName: c}}
  - {name: nfs, nfs: {server: s, path: /p}}
  - {name: csi, csi: {driver: d.example.com}}
  - {name: iscsi, iscsi: {iqn: "iqn.2001-04.com.example:storage", lun: 1, targetPortal: "192.0.2.1:1"}}
  - {name: disk, azureDisk: {diskName: d, diskURI: "https://blob/x"}}
  - name: projected
    projected:
      sources: [{serviceAccountToken: {path: t}}, {secret: {name: n}}, {configMap: {name: n}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: zero}
spec:
  selector: {matchLabels: {a: b}}
  strategy: {rollingUpdate: {maxSurge: 1}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: zero}
spec:
  selector: {matchLabels: {a: b}}
  ordinals: {}
  updateStrategy: {rollingUpdate: {}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
  volumeClaimTemplates:
  - {metadata: {name: v}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: zero}
spec:
  schedule: "* * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
---
apiVersion: v1
kind: Service
metadata: {name: zero}
spec: {clusterIP: None, ports: [{port: 80}], selector: {a: b}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: zero}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, selector: {matchLabels: {a: b}}}
---
apiVersion: v1
kind: Secret
metadata: {name: zero}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: zero}
spec:
  defaultBackend: {service: {name: s, port: {number: 1}}}
  tls: [{hosts: [a.example.com]}]
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {name: n}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: zero}
spec: {podSelector: {}, ingress: [{ports: [{}], from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: zero}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}
  maxReplicas: 3
  behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 1}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: zero}
spec: {selector: {matchLabels: {a: b}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: zero}
subjects: [{kind: ServiceAccount, name: n, namespace: m}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: zero}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1], conditions: {}}]
ports: [{port: 1}]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: zero}
spec: {}
"""
PROBES_AT_LEAST = 250
ZEROS = {"string": "", "byte": "", "integer": 0, "number": 0, "boolean": False, "quantity": "0", "int-or-string": 0}
OTHERS = {
    "string": "x",
    "byte": "eA==",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "quantity": "1",
    "int-or-string": 1,
}
# Fields of ObjectMeta that only the server sets.
BUILT_IN = re.compile(r"[a-z]+|(?!cases|example|model|renamed)[a-z.]+\.k8s\.io")
SERVERS_OWN = {"uid", "resourceVersion", "generation", "selfLink", "deletionGracePeriodSeconds"}


@pytest.fixture(scope="module")
def cluster(control_plane):
    cluster = connect(kubeconfig=str(control_plane.kubeconfig))
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def documents(cluster):
    paths = gojson.loads(cluster.request("GET", "/openapi/v3"))["paths"]
    return {path: gojson.loads(cluster.request("GET", f"/openapi/v3/{path}")) for path in paths}


@pytest.fixture(scope="module")
def schemas(documents):
    """The built-in types; the server is shared with tests that define kinds of their own."""
    found = {}
    for path, document in documents.items():
        if path == "api/v1" or (path.startswith("apis/") and BUILT_IN.fullmatch(path.split("/")[1])):
            found |= document.get("components", {}).get("schemas", {})
    return found


def reference(schema):
    return next((part["$ref"].rpartition("/")[2] for part in schema.get("allOf", ()) if "$ref" in part), "")


def nature(type_name, key):
    return next((nature for nature, keys in tables().field_table.get(type_name, {}).items() if key in keys), "")


def fields(schemas):
    for name, schema in schemas.items():
        for key, field in schema.get("properties", {}).items():
            yield name, key, field, schemas.get(reference(field), {})


def test_the_table_has_every_scalar_of_the_documents(schemas):
    scalars = {"string", "integer", "number", "boolean"}
    unions = ("Quantity", "IntOrString")
    asked = [
        (name, key)
        for name, key, field, target in fields(schemas)
        if (target or field).get("type") in scalars or reference(field).endswith(unions)
    ]
    assert len(asked) > 1000
    assert [field for field in asked if nature(*field) not in {"value", "pointer"}] == []


def test_a_default_in_the_documents_marks_value_structs(schemas):
    references = [
        (nature(name, key), "default" in field, name, key)
        for name, key, field, target in fields(schemas)
        if target and nature(name, key) not in {"value", "pointer"}
    ]
    assert len(references) > 500
    assert [field for field in references if (field[0] == "struct") != field[1]] == []


def objects_in(value, type_, path=()):
    """Each mapping of a known type, with its path."""
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from objects_in(member, type_.items.type, (*path, index))
    elif isinstance(value, dict) and type_.shape == "map":
        for key, member in value.items():
            yield from objects_in(member, type_.values.type, (*path, key))
    elif isinstance(value, dict) and type_.shape == "object":
        yield path, value, type_
        for key, member in value.items():
            yield from objects_in(member, type_.fields[key].type, (*path, key))


def probes_of(manifest, root):
    """Path and nature of each scalar that the manifest leaves out."""
    for path, value, type_ in objects_in(manifest, root):
        for key in type_.fields.keys() - value.keys() - (SERVERS_OWN if path == ("metadata",) else set()):
            scalar = type_.fields[key].type.scalar
            if scalar in ZEROS:
                yield (*path, key), scalar, nature(type_.name, key)


def at(value, path):
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError):
            return None
    return value


class Server:
    """Dry-runs creations."""

    def __init__(self, cluster, documents, namespace):
        self.cluster, self.documents, self.namespace = cluster, documents, namespace

    def collection(self, gvk):
        for path, operations in self.documents[document_path(gvk.group, gvk.version)]["paths"].items():
            kind = operations.get("post", {}).get("x-kubernetes-group-version-kind")
            if kind == gvk._asdict() and not path.endswith("}") and "{name}" not in path:
                return path.replace("{namespace}", self.namespace)
        raise LookupError(gvk)

    def create(self, manifest, path=(), value=None):
        """The object that the server would store; None where it refuses."""
        manifest = copy.deepcopy(manifest)
        if path:
            at(manifest, path[:-1])[path[-1]] = value
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        try:
            answer = self.cluster.request(
                "POST", self.collection(GVK.of(manifest)), query=query, body=gojson.dumps(manifest)
            )
        except ClusterError:
            return None
        stored = gojson.loads(answer)
        for key in ("uid", "creationTimestamp", "managedFields"):
            stored["metadata"].pop(key, None)
        return stored


def behaviour(server, manifest, path, scalar):
    """What the server does with a zero; "" where it refuses it, or drops the field behind a feature gate."""
    zero = server.create(manifest, path, ZEROS[scalar])
    if zero is None:
        return ""
    if zero == server.create(manifest):
        other = server.create(manifest, path, OTHERS[scalar])
        return "" if other == zero else "value"
    return "pointer" if at(zero, path) == ZEROS[scalar] else "another"


def test_arbitrary_json_is_kept_though_it_is_empty(cluster, documents, namespace):
    server = Server(cluster, documents, namespace)
    manifest = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "zero"}, "revision": 1}
    assert server.create(manifest, ("data",), {})["data"] == {}
    assert server.create(manifest) is None


def test_the_server_treats_zeros_as_the_table_says(cluster, documents, namespace):
    server = Server(cluster, documents, namespace)
    graph = TypeGraph(documents.get, field_table=tables().field_table)
    probes, wrong = 0, []
    for manifest in yaml.safe_load_all(MANIFESTS):
        live = server.create(manifest)
        assert live is not None, manifest["kind"]
        for path, scalar, nature in probes_of(manifest, graph.root(GVK.of(manifest))):
            found = behaviour(server, manifest, path, scalar)
            probes += bool(found)
            # A default that is zero hides the difference: missing and zero give the same.
            if found not in {"", nature} and at(live, path) != ZEROS[scalar]:
                wrong.append((manifest["kind"], path, nature, found))
    assert wrong == []
    assert probes > PROBES_AT_LEAST
