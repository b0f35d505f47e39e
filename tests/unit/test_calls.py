"""What is passed to the public calls: declared in one place, and refused where it cannot be meant."""

import contextlib
import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.settings import Settings
from genreconcile.settings import call as settings_module
from support.api.scripted import WIDGETS, ScriptedCluster

OWN = {"plan": set(), "reconcile": {"wait", "wait_waves"}, "rights": {"level"}}
HALF = "not usable alone"


def added(cluster):
    """A cache that knows a kind; it is not started."""
    cache = gr.Cache(cluster)
    cache.add(WIDGETS)
    return cache


@pytest.fixture
def cluster():
    return ScriptedCluster()


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as made:
        yield made


@pytest.mark.parametrize("method", OWN)
def test_r5_the_keywords_are_those_of_settings(method):
    function = getattr(gr.Reconciler, method)
    given = inspect.signature(function).parameters
    named = {name: given[name] for name in given if name not in {"self", "expected", *OWN[method]}}
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    hints, declared = typing.get_type_hints(function), typing.get_type_hints(Settings, vars(settings_module))
    assert list(named) == list(fields)
    assert OWN[method] <= set(given)
    for name, parameter in named.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == fields[name].default, name
        assert hints[name] == declared[name], name


MISSPELLED = """
import genreconcile as gr

def use(reconciler: gr.Reconciler) -> None:
    reconciler.reconcile([], delete_slector="a=b")
    reconciler.rights([], feilds="subset")
    reconciler.reconcile([], fields="subst")
    gr.Reconciler(gr.connect(), on_immutable="recrate")
    reconciler.reconcile([], delete_from_namespace="shop", delete_selector={"a": "b"}, fields="subset", wait=True)
    reconciler.reconcile([], delete_from_namespace="", delete_selector=None)
"""


@pytest.fixture(scope="module")
def errors_of(tmp_path_factory):
    """The lines of mypy's errors in a program that uses the package."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("consumer")
    # Types of installed packages stand in none of these calls, and take most of the time.
    options = ["--strict", "--follow-imports=silent", "--no-site-packages", "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *options, "use.py"]
    env = {"MYPYPATH": str(Path(gr.__file__).parents[1])}

    def errors_of(program):
        (folder / "use.py").write_text(program)
        found = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False).stdout
        return [line for line in found.splitlines() if ": error:" in line]

    return errors_of


def test_r5_a_type_checker_sees_what_is_misspelled(errors_of):
    found = errors_of(MISSPELLED)
    assert [line.split(":")[1] for line in found] == ["5", "6", "7", "8"], found


CONSUMER = """
import genreconcile as gr
from genreconcile import *

print({public})
print({starred})
print(gr.Reconcilr, gr.import_module, Reconcilr)
"""


def test_a_strict_type_checker_sees_the_public_names_alone(errors_of):
    public, starred = (", ".join(prefix + name for name in gr.__all__) for prefix in ("gr.", ""))
    found = errors_of(CONSUMER.format(public=public, starred=starred))
    assert [line.split(":")[1] for line in found] == ["7", "7", "7"], found


GVK = gr.GVK("apps", "v1", "Deployment")
JUNK = (None, True, False, 0, -1, 1, 0.5, -0.5, float("nan"), float("inf"), "", "subst", "8", "v1/Secret", "a/b", "..")
JUNK += ("\n", "x" * 129, b"shop", [], ["shop"], ["shop", 1], [None], {}, {"a": "b"}, {"a"}, (), object(), len, GVK)


def spelled(value):
    """As ``repr``, without an address, so that a test has the same name in each run."""
    return "object()" if type(value) is object else repr(value)


def is_seconds(value, *, zero=True):
    return type(value) in {int, float} and 0 <= value < float("inf") and (zero or value > 0)


def is_namespace(value):
    return isinstance(value, str) and value.isprintable() and "/" not in value and value != ".."


def each(test):
    """What an iterable of texts may be."""

    def accepts(value):
        if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
            return False
        return all(isinstance(text, str) and test(text) for text in value)

    return accepts


ABSENT_OR = {
    "cache": lambda value: value is None,
    "rules": lambda value: value is None,
    "namespaces": lambda value: value is None or each(lambda text: text and is_namespace(text))(value),
    "field_manager": lambda value: isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable(),
    "concurrency": lambda value: type(value) is int and value > 0,
    "propagation": lambda value: value in ("", "background", "Background"),
    "on_immutable": lambda value: value in ("fail", "recreate"),
    "sync_timeout": is_seconds,
    "wait_timeout": is_seconds,
    "check_access": lambda value: isinstance(value, str) and value in {"", "read", "write"},
    "access": lambda value: value is None,
    "follow_definitions": lambda value: value is True or value is False or value == "once",
    "may_write": lambda value: value is None or value is len,
}


@pytest.mark.parametrize("value", JUNK, ids=spelled)
@pytest.mark.parametrize("name", ABSENT_OR)
def test_r5_arguments_of_a_reconciler(cluster, name, value):
    accepted = ABSENT_OR[name](value)
    if accepted:
        gr.Reconciler(cluster, **{name: value}).close()
        return
    with pytest.raises(gr.ReconcileError, match=f"^{name}"):
        gr.Reconciler(cluster, **{name: value})


def test_r5_each_argument_of_a_reconciler_is_in_the_table():
    assert set(inspect.signature(gr.Reconciler).parameters) - {"cluster"} == set(ABSENT_OR)


OF_SETTINGS = {
    "namespace": is_namespace,
    "delete_from_namespace": lambda value: value is None or value == "",
    "delete_selector": lambda value: value is None,
    "kinds": each(lambda text: text == "v1/Secret"),
    "allow_empty": lambda value: value is True or value is False,
    "max_deletions": lambda value: value is None or (type(value) is int and value >= 0),
    "delete_kinds": each(lambda text: text and "/" not in text),
    "fields": lambda value: isinstance(value, str) and value in {"exact", "subset"},
    "verify": lambda value: value is True or value is False,
    "owner": lambda value: isinstance(value, str) and value.isprintable(),
    "owner_tool": lambda value: value in ("genreconcile", "kubectl"),
}


@pytest.mark.parametrize("value", JUNK, ids=spelled)
@pytest.mark.parametrize("name", OF_SETTINGS)
def test_r5_settings_of_a_call(name, value):
    if OF_SETTINGS[name](value):
        assert Settings(**{name: value}).prune is not None
        return
    with pytest.raises(gr.ReconcileError, match=rf"^({name}|label selector)"):
        Settings(**{name: value}).prune  # noqa: B018 - it is what looks


def test_r5_each_setting_is_in_the_table():
    assert {field.name for field in dataclasses.fields(Settings)} <= set(OF_SETTINGS) | {
        "not_older_than",
        "prune_first",
    }


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fields": "subst"}, "fields: not usable: 'subst' is unknown; use exact or subset; did you mean subset?"),
        ({"fields": "EXACT"}, "did you mean exact?"),
        ({"max_deletions": -1}, "max_deletions: not usable: -1 is less than 0; give 0 or more"),
        ({"max_deletions": True}, "max_deletions: not usable: True is no whole number"),
        ({"kinds": "v1/Secret"}, r"kinds: not usable: 'v1/Secret' is one text; give a list: \['v1/Secret'\]"),
        ({"kinds": ["Secret"]}, "kinds: not usable: 'Secret' is no kind: write version/Kind or group/version/Kind"),
        ({"delete_kinds": "Namespace"}, r"delete_kinds: not usable: .* give a list: \['Namespace'\]"),
        ({"delete_kinds": ["v1/Namespace"]}, "write Kind or Kind.group, without the version"),
        ({"owner_tool": "helm"}, "owner_tool: not usable: sets of 'helm' cannot be shared"),
        ({"delete_from_namespace": "shop"}, f"delete_from_namespace: {HALF}"),
        ({"delete_selector": "a=b"}, f"delete_selector: {HALF}"),
        ({"wait": 1}, "wait: not usable: 1 is neither True nor False"),
        ({"wait_waves": -1}, "wait_waves: not usable: -1 is too short; give 0 seconds or more"),
    ],
)
def test_r5_what_cannot_be_meant_is_refused_before_anything_is_sent(cluster, reconciler, settings, told):
    with pytest.raises(gr.ReconcileError, match=told):
        reconciler.reconcile([], **settings)
    assert cluster.requests == []


@pytest.mark.parametrize(
    "settings",
    [
        {"delete_from_namespace": "", "delete_selector": {"app": "web"}},
        {"delete_from_namespace": None, "delete_selector": {"app": "web"}},
        {"delete_from_namespace": "shop", "delete_selector": None},
        {"delete_from_namespace": "", "delete_selector": None},
        {"delete_from_namespace": ""},
        {"delete_selector": None},
        {},
    ],
)
def test_r5_an_empty_namespace_or_no_selector_skips_deletion(cluster, reconciler, settings):
    assert not Settings(**settings).prune.is_wanted
    assert reconciler.reconcile([], **settings).counts["deleted"] == 0
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda _: gr.Reconciler("config"), "cluster: not usable: 'config' is no cluster; give what gr.connect()"),
        (lambda c: gr.Reconciler(c, on_immutable="recrate"), "use fail or recreate; did you mean recreate?"),
        (lambda c: gr.Reconciler(c, propagation="orphn"), "use background, foreground or orphan; did you mean orphan?"),
        (lambda c: gr.Reconciler(c, concurrency="8"), "concurrency: not usable: '8' is no whole number"),
        (lambda c: gr.Reconciler(c, may_write=True), "may_write: not usable: True cannot be called"),
        (lambda c: gr.Reconciler(c, check_access="wrte"), "did you mean write?"),
        (lambda c: gr.Reconciler(c, rules="r.yaml"), r"give gr.Registry.builtin\(\).extend\('r.yaml'\)"),
        (lambda c: gr.Reconciler(c, rules=Path("r.yaml")), r"give gr.Registry.builtin\(\).extend\('r.yaml'\)"),
        (lambda c: gr.Reconciler(c, namespaces="shop"), r"namespaces: .* give a list: \['shop'\]"),
        (lambda c: gr.Reconciler(c, cache=gr.Cache(c), namespaces=["a"]), "namespaces: not usable with cache"),
        (lambda _: gr.Cache("config"), "cluster: not usable"),
        (lambda c: gr.Cache(c, "v1/Secret"), r"kinds: not usable: 'v1/Secret' is no list of kinds"),
        (lambda c: gr.Cache(c, [5]), "5 is no kind"),
        (lambda c: gr.Cache(c, namespaces=[""]), r"namespaces\[0\]: not usable"),
        (lambda c: gr.Cache(c, compress="yes"), "compress: not usable"),
        (lambda c: gr.Cache(c, pace=30), "pace: not usable: 30 is no pace"),
        (lambda c: gr.Cache(c).add(WIDGETS, namespaces="shop"), r"namespaces: .* give a list: \['shop'\]"),
        (lambda c: added(c).list(WIDGETS, namespace=["shop"]), "namespace: not usable: list is no text"),
        (lambda c: added(c).get(WIDGETS, 5, namespace="shop"), "name: not usable: 5 is no text"),
        (lambda c: gr.Cache(c).subscribe(None), "callback: not usable: None cannot be called"),
        (lambda c: gr.Cache(c).subscribe_states(None), "callback: not usable: None cannot be called"),
        (lambda c: gr.Cache(c).subscribe_losses(None), "callback: not usable: None cannot be called"),
        (lambda c: gr.Cache(c).wait_for_sync([], timeout="8"), "timeout: not usable: '8'"),
        (lambda _: gr.Pace(list_timeout=0), "Pace list_timeout: not usable: 0 is too short; give more than 0 seconds"),
        (lambda _: gr.Pace(longest_backoff=float("inf")), "Pace longest_backoff: not usable"),
        (lambda _: gr.diff({}, {}, fields="subst"), "did you mean subset?"),
        (lambda _: gr.diff({}, {}, rules="r.yaml"), "extend"),
        (lambda _: gr.diff({}, {}, schema="openapi/"), r"schema: .* give gr.Schema.load\('openapi/'\)"),
        (lambda _: gr.diff({}, {}, others={"kind": "x"}), "others: not usable"),
        (lambda _: gr.explain({}, {}, rules=5), "rules: not usable: 5 is no Registry"),
        (lambda _: gr.load(5), "sources: not usable: 5 is no path"),
        (lambda _: gr.load([5]), r"sources\[0\]: not usable: 5 is no path"),
        (lambda _: gr.load("x", recursive="no"), "recursive: not usable"),
        (lambda _: gr.load("x", namespace=["a"]), "namespace: not usable"),
        (lambda _: gr.Registry("r.yaml"), "rules: not usable: 'r.yaml' is no rule"),
        (lambda _: gr.Registry.builtin().extend(["r.yaml"]), "sources: not usable"),
        (lambda _: gr.connect(kubeconfig=5), "kubeconfig: not usable: 5 is no path"),
        (lambda _: gr.connect(context=["a"]), "context: not usable"),
        (lambda _: gr.connect(plugins="aws"), r"plugins: .* give a list: \['aws'\]"),
        (lambda _: gr.Registry.builtin(tool_marks="no"), "tool_marks: not usable"),
        (lambda _: gr.Schema.load(5), "path: not usable"),
        (lambda _: gr.Schema.from_cluster("x"), "cluster: not usable"),
    ],
)
def test_r5_what_cannot_be_meant_says_so(cluster, call, told):
    with pytest.raises(gr.ReconcileError, match=told):
        call(cluster)
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("plan", "settings", "told"),
    [
        ([], {}, "plan: not usable: list is no plan"),
        (gr.Plan(()), {"wait": 5}, "wait: not usable: 5 is neither True nor False"),
        (gr.Plan(()), {"dry_run": "server"}, "dry_run: not usable"),
    ],
)
def test_r5_arguments_of_apply(reconciler, plan, settings, told):
    with pytest.raises(gr.InputError, match=told):
        reconciler.apply(plan, **settings)


@pytest.mark.parametrize("level", ["raed", None, True, ""])
def test_r5_the_level_of_rights(reconciler, level):
    with pytest.raises(gr.InputError, match=r"level: not usable: .* is unknown; use read or write"):
        reconciler.rights([], level=level)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(gr.Pace)])
@pytest.mark.parametrize("value", JUNK, ids=spelled)
def test_r5_values_of_a_pace(field, value):
    if is_seconds(value) and value:
        assert getattr(gr.Pace(**{field: value}), field) == value
    elif value != 0 or isinstance(value, bool):
        with pytest.raises(gr.InputError, match=f"Pace {field}: not usable"):
            gr.Pace(**{field: value})


def test_r5_what_load_gives_is_what_reconcile_takes(tmp_path, reconciler, cluster):
    file = tmp_path / "a.yaml"
    file.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {k: hush}\n")
    (loaded,) = found = gr.load(file)
    assert loaded == loaded.obj == {**loaded}
    assert type(loaded.obj) is dict
    assert isinstance(loaded, gr.Loaded)
    assert (loaded["kind"], loaded.origin) == ("Secret", f"{file}:1")
    assert not gr.diff(loaded, loaded.obj)
    for copied in (copy.copy(loaded), copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):  # noqa: S301
        assert (copied, copied.origin) == (loaded, loaded.origin)
    cluster.answers |= {"/api": [], "/apis": []}
    for call in (reconciler.reconcile, reconciler.plan):
        with contextlib.suppress(gr.ClusterError):
            call(found)  # This server knows no kind; the objects were read.
    with pytest.raises(gr.LoadError, match=f"expected twice: {file}:1 and {file}:1"):
        reconciler.plan([*found, *found])


@pytest.mark.parametrize("value", [value for value in JUNK if value not in ("v1/Secret", "a/b", GVK)], ids=spelled)
def test_r5_what_is_no_kind(cluster, value):
    with pytest.raises(ValueError, match="is no kind"):
        gr.GVK.parse(value)
    with pytest.raises(gr.CacheError, match="is no kind"):
        gr.Cache(cluster).add(value)


def test_r5_what_stands_in_signatures_is_public():
    for name in ("Kind", "CacheEvent", "Selector", "Pace", "Record", "Resource", "Right", "Loaded"):
        assert name in gr.__all__
        assert getattr(gr, name) is not None


def test_r5_representations_say_something(cluster):
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"k": "aHVzaA=="}}
    live = {**obj, "data": {"k": "aHVzaGg="}, "x": "aHVzaA=="}
    change = gr.Change("none", gr.GVK.of(obj), gr.ObjectKey.of(obj), expected=obj, live=live)
    outcome = gr.Outcome(change, "unchanged")
    with gr.Cache(cluster, namespaces=["a"]) as cache, gr.Reconciler(cluster, cache=cache) as reconciler:
        said = {
            "<Cache of https://scripted: 0 kinds in a, running>": cache,
            "<Reconciler of <Cache of https://scripted: 0 kinds in a, running>>": reconciler,
            "<Change none Secret b/a>": change,
            "<Outcome Secret b/a unchanged>": outcome,
            "<Result 1 unchanged>": gr.Result((outcome,)),
            "<Plan 0 to create, 0 to update, 0 to delete, 0 unchanged>": gr.Plan(()),
            "<Diff 2 differences: replace /data/k, remove /x, untyped>": gr.diff(obj, live),
            "<Schema of 0 documents>": gr.Schema({}),
            "<Schema of https://scripted>": gr.Schema.from_cluster(cluster),
            "<Registry 0 rules, 0 of the user>": gr.Registry.empty(),
        }
        assert [repr(value) for value in said.values()] == list(said)
        assert "aHVz" not in "".join(said)
    assert repr(gr.Registry.builtin()).endswith(" rules, 0 of the user>")
