"""What docs/operators.md says of its programs is what happens, beyond what the build of the docs runs and shows."""

import dataclasses
import re
import threading
import types
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.cli.run import command
from genreconcile.controllers import setloop
from genreconcile.controllers.program import Program, program_of
from genreconcile.testing import FakeCluster
from support.eventually import eventually
from support.objects import available
from support.pages import texts
from unit.controllers.page_helpers import condition_of, deployment, digest_of, migration, wanted_replicas
from unit.controllers.things import MAP, config, definition, names, thing

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/operators.md").read_text("utf-8")
MEMCACHED = ROOT / "examples/operators/memcached"
APP, PART, DEPLOYMENT = "example.com/v1/App", "example.com/v1/Part", "apps/v1/Deployment"
NAMESPACED = {"apiVersion": "v1", "kind": "Namespace"}


def blocks(language, text=PAGE):
    return texts(text, language)


def block_with(name, page=PAGE):
    """The one program that defines it."""
    defines = re.compile(rf"^(async )?def {name}\(|^{name} = ", re.MULTILINE)
    (found,) = filter(defines.search, blocks("python", page))
    return found


# What the examples of the reference call.


CLOSED = threading.Event()
HELPERS = {
    "gr": gr,
    "deployment": deployment,
    "migration": migration,
    "wanted_replicas": wanted_replicas,
    "digest_of": digest_of,
    "account_is_closed": lambda _: CLOSED.is_set(),
}


def from_page(*wanted, page="docs/operators.md"):
    """What one program of the page defines."""
    defined = {**HELPERS, "__name__": "page"}
    exec(block_with(wanted[0], (ROOT / page).read_text("utf-8")), defined)  # noqa: S102 - the page's own example
    return [defined[name] for name in wanted]


def app(namespace="shop", **spec):
    return thing("web", "App", namespace, **spec)


@pytest.fixture
def fake():
    with FakeCluster([definition("App"), definition("Part"), app()], namespace="shop") as fake:
        yield fake


def edit(fake, **spec):
    fake.patch(APP, "web", *({"op": "add", "path": f"/spec/{key}", "value": value} for key, value in spec.items()))


# The tutorial.


def test_the_operator_of_ten_lines_has_ten():
    assert len([line for line in block_with("deny_all").splitlines() if line]) == 10


@pytest.mark.parametrize("page", ["docs/operators.md", "README.md"])
def test_the_operator_of_ten_lines(page):
    team = {**NAMESPACED, "metadata": {"name": "shop", "labels": {"team": "web"}}}
    other = {**NAMESPACED, "metadata": {"name": "other"}}
    (deny_all,) = from_page("deny_all", page=page)
    with FakeCluster([team, other]) as fake, fake.run(deny_all) as run:
        run.settle()
        (policy,) = fake.find("networking.k8s.io/v1/NetworkPolicy")
        assert (policy["metadata"]["namespace"], policy["spec"]["policyTypes"]) == ("shop", ["Ingress"])


def test_the_memcached_operator_is_the_example():
    (program,) = MEMCACHED.glob("*.py")
    assert block_with("memcached") == program.read_text("utf-8")


def test_the_schema_of_the_status_is_that_of_the_example():
    shown, *_ = blocks("yaml")
    (version,) = yaml.safe_load((MEMCACHED / "crd.yaml").read_text("utf-8"))["spec"]["versions"]
    assert yaml.safe_load(shown)["status"] == version["schema"]["openAPIV3Schema"]["properties"]["status"]


# The reference.


def test_a_misspelled_field_is_an_error(fake):
    with fake.run(*from_page("misspelled")) as run:
        run.settle()
        assert condition_of(fake, "Ready").startswith(
            "Ready False InvalidChildren: ConfigMap shop/settings: not usable: "
        )
        assert names(fake) == []


def test_what_stands_behind_a_retry_waits_and_survives(fake):
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    with fake.run(*from_page("migrated")) as run:
        run.settle()
        assert fake.find(DEPLOYMENT) == []
        fake.set_status("batch/v1/Job", "migrate-1", complete)
        assert run.advance(seconds=1) == 1, "it runs at once"
        assert names(fake, DEPLOYMENT) == ["web"]
        edit(fake, version=2)
        run.advance(seconds=20)
        assert names(fake, "batch/v1/Job") == ["migrate-1", "migrate-2"]
        assert names(fake, DEPLOYMENT) == ["web"]
        fake.set_status("batch/v1/Job", "migrate-2", complete)
        run.advance(seconds=20)
        assert names(fake, "batch/v1/Job") == ["migrate-2"]


def test_an_async_function(fake):
    with fake.run(*from_page("measured")) as run:
        run.settle()
        assert fake.get(DEPLOYMENT, "web")["spec"]["replicas"] == 3


def test_a_secret_that_comes_and_is_rotated(fake):
    def digest():
        return fake.get(DEPLOYMENT, "web")["spec"]["template"]["metadata"]["annotations"]["digest"]

    edit(fake, secretName="login")
    with fake.run(*from_page("configured")) as run:
        run.settle()
        assert fake.find(DEPLOYMENT) == []
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"password": "b25l"}}
        fake.create(secret)
        run.advance(seconds=1)
        assert digest() == "b25l"
        fake.patch("v1/Secret", "login", {"op": "replace", "path": "/data/password", "value": "dHdv"})
        run.advance(seconds=1)
        assert digest() == "dHdv"
        fake.delete("v1/Secret", "login")
        run.advance(seconds=1)
        assert digest() == "dHdv", "a run that ends in Retry deletes nothing"


def test_an_object_of_somebody_else_is_a_conflict(fake):
    fake.create(config("settings", k="theirs"))
    with fake.run(*from_page("conflicting")) as run:
        run.settle()
        assert condition_of(fake, "Stalled").startswith("Stalled True ChildConflict: ConfigMap shop/settings failed: ")
        assert fake.get(MAP, "settings")["data"] == {"k": "theirs"}


def test_while_a_child_fails_nothing_is_deleted(fake):
    fake.create(config("settings", k="theirs"))
    settings, other = config("settings"), config("other")
    function = gr.controller(APP, name="apps")(lambda parent, _: [settings] if parent["spec"].get("less") else [other])
    with fake.run(function) as run:
        run.settle()
        edit(fake, less=True)
        run.advance(seconds=20)
        assert names(fake) == ["other", "settings"]
        fake.delete(MAP, "settings")
        run.advance(seconds=300)
        assert names(fake) == ["settings"]


def test_the_keys_of_a_status(fake):
    """A run that ends in Retry leaves those that it has not set, one that ends normally does not."""

    def function(parent, ctx):
        end = parent["spec"].get("end", "")
        ctx.status["end"] = end
        if not end:
            ctx.status["more"] = 1
        if end == "retry":
            raise gr.Retry(1000)
        if end == "error":
            raise ValueError
        return []

    def keys():
        status = fake.get(APP, "web")["status"]
        return {key: status[key] for key in ("end", "more") if key in status}

    with fake.run(gr.controller(APP, name="apps")(function)) as run:
        run.settle()
        assert keys() == {"end": "", "more": 1}
        for end, left in (
            ("retry", {"end": "retry", "more": 1}),
            ("error", {"end": "retry", "more": 1}),
            ("normal", {"end": "normal"}),
        ):
            edit(fake, end=end)
            run.advance(seconds=2)
            assert keys() == left


def test_a_composite(fake):
    with fake.run(*from_page("app", "part")) as run:
        run.advance(seconds=5)
        assert fake.get(APP, "web")["status"]["isServed"] is False
        fake.set_status(DEPLOYMENT, "web", available(1, generation=1))
        run.advance(seconds=5)
        assert fake.get(APP, "web")["status"]["isServed"] is True
        run.writes.clear()
        run.advance(seconds=100_000)
        assert run.writes == []
        fake.delete(APP, "web")
        run.advance(seconds=5)
        assert fake.find(PART) == fake.find(DEPLOYMENT) == []


def test_on_delete_holds_the_parent_and_its_children(fake):
    CLOSED.clear()
    with fake.run(*from_page("with_account")) as run:
        run.settle()
        fake.delete(APP, "web")
        run.advance(seconds=100)
        assert names(fake, APP) == names(fake, DEPLOYMENT) == ["web"]
        CLOSED.set()
        run.advance(seconds=20)
        assert fake.find(APP) == fake.find(DEPLOYMENT) == []


def test_sets_without_a_parent(fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(setloop, "_LOOK", 0.05)
    (tmp_path / "manifests").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"manifests/{name}.yaml").write_text(yaml.safe_dump(config(name)), "utf-8")

    def are_there(*wanted):
        return {*names(fake)} - {"kube-root-ca.crt", "shop"} == {*wanted}

    with Program(*from_page("shop", "team"), cluster=fake):
        eventually(lambda: are_there("a", "b", "team"))
        (tmp_path / "manifests/b.yaml").unlink()
        eventually(lambda: are_there("a", "team"))
        fake.delete(MAP, "a")
        eventually(lambda: are_there("a", "team"))


def test_of_two_processes_with_one_lease_one_works(fake):
    started = {}
    page = types.SimpleNamespace(**{name: getattr(gr, name) for name in ("controller", "Lease")})
    page.run = lambda *sources, **settings: started.update(settings, sources=sources)
    exec(block_with("led", PAGE), {**HELPERS, "gr": page, "__name__": "__main__"})  # noqa: S102 - as above
    sources = started.pop("sources")
    first, second = (Program(*sources, cluster=fake, **started) for _ in range(2))
    with first:
        eventually(lambda: first.is_leading and names(fake, DEPLOYMENT) == ["web"])
        with second:
            eventually(lambda: second.is_ready)
            assert not second.is_leading
            lease = fake.get("coordination.k8s.io/v1/Lease", "apps")
            assert lease["spec"]["leaseDurationSeconds"] == 15
    assert fake.get("coordination.k8s.io/v1/Lease", "apps")["spec"]["holderIdentity"] == ""


def test_the_settings_of_a_lease():
    told = {cells[0].strip("`"): (cells[1].strip("`"), cells[2]) for cells in rows("setting of `gr.Lease`")}
    of_shards = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("setting of shards")}
    elsewhere = {"name", "namespace", *of_shards}
    fields = {one.name: one.default for one in dataclasses.fields(gr.Lease) if one.name not in elsewhere}
    assert told == {
        name: (f"--lease-{name.replace('_', '-')}", "random" if value is None else f"{value:g}")
        for name, value in fields.items()
    }
    flags = {option for parameter in command.params for option in parameter.opts}
    assert {flag for flag, _ in told.values()} <= flags
    assert of_shards == {name: f"--{name.replace('_', '-')}" for name in ("shards", "shard_identity", "takeover_after")}
    assert set(of_shards.values()) <= flags


def test_of_three_processes_each_has_a_shard(fake, monkeypatch):
    started = {}
    page = types.SimpleNamespace(**{name: getattr(gr, name) for name in ("controller", "Lease")})
    page.run = lambda *sources, **settings: started.update(settings, sources=sources)
    exec(block_with("divided", PAGE), {**HELPERS, "gr": page, "__name__": "__main__"})  # noqa: S102 - as above
    sources, programs = started.pop("sources"), []
    for ordinal in range(3):
        monkeypatch.setattr("socket.gethostname", lambda ordinal=ordinal: f"apps-{ordinal}")
        programs.append(program_of(*sources, cluster=fake, **started))
    with programs[0], programs[1], programs[2]:
        eventually(lambda: [program.shards for program in programs] == [[0], [1], [2]])
        eventually(lambda: names(fake, DEPLOYMENT) == ["web"])
    leases = [f"apps-{number}-of-3" for number in range(3)]
    assert names(fake, "coordination.k8s.io/v1/Lease") == leases


def test_the_times_that_the_page_names():
    lease = gr.Lease("apps")
    for text in (f"at most {lease.longest_pause:.1f} s", f"{lease.duration + 2 * lease.longest_pause:.1f} s"):
        assert text in " ".join(PAGE.split())
    assert f"({lease.write_timeout:g} s)" in PAGE


# Tables.


def rows(title):
    """The cells of the table that begins with this title."""
    table = re.search(rf"^\| {title} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)[1]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "child"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "child"}, "rules": []}
KEPT = config("child")
KEPT["metadata"]["annotations"] = {"genreconcile.dev/prune": "disabled"}
CHILDREN = [
    (config("child"), ()),
    (config("child", "other"), ()),
    (ROLE, ()),
    (CLAIM, ()),
    (CLAIM, ("PersistentVolumeClaim",)),
    (KEPT, ()),
]


@pytest.mark.parametrize("row", range(len(CHILDREN)))
@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_what_becomes_of_a_child(fake, row, propagation):
    child, asked = CHILDREN[row]
    kind = f"{child['apiVersion']}/{child['kind']}"
    fake.create({**NAMESPACED, "metadata": {"name": "other"}})
    function = gr.controller(APP, name="apps", namespaces="*", delete_kinds=asked)(lambda *_: [child])
    with fake.run(function) as run:
        run.settle()
        (live,) = (obj for obj in fake.find(kind) if obj["metadata"]["name"] == "child")
        if live["metadata"].get("finalizers"):  # Of a claim: a controller takes it off when no Pod needs the claim.
            fake.patch(kind, "child", {"op": "remove", "path": "/metadata/finalizers"})
        has_finalizer = "finalizers" in fake.get(APP, "web")["metadata"]
        assert has_finalizer is not bool(live["metadata"].get("ownerReferences"))
        fake.delete(APP, "web", propagation=propagation)
        run.advance(seconds=20)
        assert fake.find(APP) == []
        left = [obj for obj in fake.find(kind) if obj["metadata"]["name"] == "child"]
    said = dict(zip(["bound", "Background", "Foreground", "Orphan"], rows("child")[row][1:], strict=True))
    assert said[propagation] == ("stays" if left else "deleted")
    assert said["bound"] == ("finalizer" if has_finalizer else "reference")


def test_who_orphans_children_while_no_operator_runs(fake):
    fake.create({**NAMESPACED, "metadata": {"name": "other"}})
    states = gr.controller(APP, name="apps", namespaces="*")(lambda *_: [config("near"), config("far", "other")])
    with fake.run(states) as run:
        run.settle()
    fake.delete(APP, "web", propagation="Orphan")
    with fake.run(states) as run:
        run.advance(seconds=20)
        assert [*names(fake), *names(fake, namespace="other")] == ["near"]
        assert fake.find(APP) == []


def test_a_parent_that_its_selector_has_lost_is_let_go(fake):
    fake.patch(APP, "web", {"op": "add", "path": "/metadata/labels", "value": {"app": "web"}})
    chosen = gr.controller(APP, name="apps", selector="app=web")(lambda *_: [config("a")])
    chosen.on_delete(lambda *_: None)
    with fake.run(chosen) as run:
        run.settle()
        fake.patch(APP, "web", {"op": "remove", "path": "/metadata/labels/app"})
        run.advance(seconds=400)
        assert names(fake) == ["a"]
        fake.delete(APP, "web")
        run.advance(seconds=400)
        assert fake.find(APP) == []
        assert names(fake) == []


def test_all_children_of_the_table_are_tried():
    assert len(rows("child")) == len(CHILDREN)


def function_that(end):
    """A controller whose function ends so in its second run."""

    def function(parent, ctx):
        return end(ctx) if parent["spec"].get("again") else [config("a"), config("b")]

    return gr.controller(APP, name="apps")(function)


def retrying(_):
    yield config("new")
    raise gr.Retry(30, "why")


ENDS = [
    (lambda _: [config("a"), config("new")], ["a", "new"]),
    (lambda _: [], []),
    (retrying, ["a", "b", "new"]),
    (lambda ctx: [config("new"), ctx.get("example.com/v1/Nothing", "a")], ["a", "b"]),
    (lambda _: None, ["a", "b"]),
    (lambda _: [config("new"), {**config("c"), "datum": {}}], ["a", "b"]),
    (lambda _: [config("new"), 1 / 0], ["a", "b"]),
]


@pytest.mark.parametrize("row", range(len(ENDS)))
def test_what_a_run_comes_to(fake, row):
    end, children = ENDS[row]
    with fake.run(function_that(end)) as run:
        run.settle()
        edit(fake, again=True)
        run.advance(seconds=2)
        assert names(fake) == children
        conditions = {one["type"]: one for one in fake.get(APP, "web")["status"]["conditions"]}
    said = rows("the function")[row][3]
    reason = re.search(r"reason `(\w+)`$", said)
    if reason:
        assert conditions["Ready"]["reason"] == reason[1]
    assert (conditions["Ready"]["status"] == "True") is not bool(reason)
    assert ("Reconciling" in conditions) is ("`Reconciling`" in said and bool(reason))


def test_all_ends_of_a_run_are_tried():
    """But the deadline, which FakeRun does not keep."""
    assert len(rows("the function")) == len(ENDS) + 1


def test_the_settings_are_those_of_the_decorator():
    told = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("setting")}
    defaults = gr.controller.__kwdefaults__
    assert {**told, "name": ""} == {
        "name": "",
        **{name: f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
           for name, value in defaults.items()},
    }  # fmt: skip


def test_links_lead_somewhere():
    anchors = {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in
               re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}  # fmt: skip
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        if link.startswith("#"):
            assert link in anchors, link
        else:
            assert (ROOT / "docs" / link.partition("#")[0]).exists(), link
