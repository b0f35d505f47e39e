"""Sets without a parent: folders and functions that are kept (docs/operators.md)."""

import itertools
import os
import threading

import pytest
import yaml

import genreconcile as gr
from genreconcile.cache import Cache, Loss
from genreconcile.cache.scope import Scope
from genreconcile.controllers import setloop
from genreconcile.controllers.program import Program
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.objects import GVK
from genreconcile.testing import FakeCluster
from support.eventually import eventually
from unit.controllers.things import MAP, config, names

LABELS = {"app": "web"}
SELECTED = {"delete_from_namespace": "shop", "delete_selector": LABELS}
OWNED = {"owner": "configmaps/set", "namespace": "shop"}


@pytest.fixture
def fake():
    with FakeCluster(
        [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}], namespace="shop"
    ) as fake:
        yield fake


class Folder:
    """A folder of manifests, as somebody works in it."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name, *objects):
        """By rename, as editors and tools do that want to be read as a whole."""
        new = self.path / f".{name}.new"
        new.write_text(yaml.safe_dump_all(objects))
        new.rename(self.path / f"{name}.yaml")

    def remove(self, name):
        (self.path / f"{name}.yaml").unlink()


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path / "manifests")
    folder.write("a", labelled("a"))
    folder.write("b", labelled("b"))
    return folder


def labelled(name, **data):
    obj = config(name, **data)
    return {**obj, "metadata": {**obj["metadata"], "labels": LABELS}}


def methods(run):
    return [write.method for write in run.writes]


def kept(folder, **settings):
    return gr.folder(folder.path, **{"name": "kept", **settings})


def test_a_folder_is_kept(fake, folder):
    with fake.run(kept(folder, **SELECTED)) as run:
        run.settle()
        assert names(fake) == ["a", "b"]
        folder.write("a", labelled("a", k="changed"))
        folder.write("c", labelled("c"))
        folder.remove("b")
        run.advance(seconds=2)
        assert names(fake) == ["a", "c"]
        assert fake.get(MAP, "a")["data"] == {"k": "changed"}
        assert fake.get(MAP, "a")["metadata"]["managedFields"][0]["manager"] == "genreconcile-kept"


@pytest.mark.parametrize("settings", [SELECTED, OWNED])
def test_a_run_with_nothing_to_do_writes_nothing(fake, folder, settings):
    with fake.run(kept(folder, **settings, resync=600)) as run:
        run.settle()
        run.advance(seconds=2)
        run.writes.clear()
        assert run.advance(seconds=2000) >= 3, "it runs again at each resync"
        assert run.writes == []


@pytest.mark.parametrize("namespace", ["", "shop"])
def test_drift_is_repaired_wherever_the_namespace_comes_from(fake, folder, namespace):
    with fake.run(kept(folder, namespace=namespace)) as run:
        run.advance(seconds=2)
        fake.patch(MAP, "a", {"op": "add", "path": "/data/more", "value": "x"})
        fake.delete(MAP, "b")
        run.advance(seconds=2)
        assert fake.get(MAP, "a")["data"] == {"k": "v"}
        assert names(fake) == ["a", "b"]


def test_a_program_of_sets_alone_reads_the_namespaces_of_their_objects_as_they_come(fake, folder):
    for name in ("other", "more"):
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    with Program(kept(folder), cluster=fake) as program:
        eventually(lambda: names(fake) == ["a", "b"])
        assert program.cache.namespaces == ("shop",)
        away = labelled("c")
        away["metadata"]["namespace"] = "other"
        folder.write("c", away)
        eventually(lambda: fake.find(MAP, namespace="other"))
        assert program.cache.namespaces == ("shop", "other")
        fake.patch(MAP, "c", {"op": "add", "path": "/data/more", "value": "x"}, namespace="other")
        eventually(lambda: fake.get(MAP, "c", namespace="other")["data"] == {"k": "v"})


def test_who_says_which_namespaces_are_read_is_obeyed(fake, folder):
    with Program(kept(folder), cluster=fake, namespaces=["shop"]) as program:
        eventually(lambda: names(fake) == ["a", "b"])
        away = labelled("c")
        away["metadata"]["namespace"] = "default"
        folder.write("c", away)
        folder.write("b", labelled("b", k="changed"))
        eventually(lambda: fake.get(MAP, "b")["data"] == {"k": "changed"})
        assert program.cache.namespaces == ("shop",)
        assert fake.find(MAP, namespace="default") == []


def test_beside_a_controller_a_set_reads_what_the_controller_reads(fake, folder):
    @gr.controller(MAP, name="maps")
    def maps(parent, ctx):
        return []

    with Program(maps, kept(folder), cluster=fake) as program:
        eventually(lambda: names(fake) == ["a", "b"])
        assert program.cache.namespaces is None


def test_what_appears_and_would_be_deleted_wakes_the_set(fake, folder):
    with fake.run(kept(folder, **SELECTED)) as run:
        run.advance(seconds=2)
        fake.create(labelled("new"))
        fake.create(config("other"))
        run.advance(seconds=2)
        assert names(fake) == ["a", "b", "other"]
        fake.patch(MAP, "other", {"op": "add", "path": "/metadata/labels", "value": LABELS})
        run.advance(seconds=2)
        assert names(fake) == ["a", "b"]


def test_what_is_no_longer_protected_wakes_the_set(fake, folder):
    kept_one = labelled("new")
    kept_one["metadata"]["annotations"] = {"genreconcile.dev/prune": "disabled"}
    with fake.run(kept(folder, **SELECTED)) as run:
        run.settle()
        fake.create(kept_one)
        run.advance(seconds=2)
        assert names(fake) == ["a", "b", "new"]
        fake.patch(MAP, "new", {"op": "remove", "path": "/metadata/annotations"})
        run.advance(seconds=2)
        assert names(fake) == ["a", "b"]


def test_what_concerns_nobody_wakes_nobody(fake, folder):
    with fake.run(kept(folder, **SELECTED)) as run:
        run.settle()
        run.advance(seconds=2)
        fake.create(config("other"))
        fake.create({**labelled("a"), "metadata": {"name": "a", "namespace": "default", "labels": LABELS}})
        assert run.advance(seconds=5) == 0


def test_an_owner_set_deletes_what_left_the_folder(fake, folder):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ports": [{"port": 80}]},
    }
    folder.write("web", service)
    with fake.run(kept(folder, **OWNED)) as run:
        run.settle()
        assert names(fake, "v1/Service") == ["web"]
        folder.remove("web")
        folder.remove("b")
        run.advance(seconds=2)
        assert names(fake) == ["a", "set"]
        assert names(fake, "v1/Service") == []
    with fake.run(kept(folder, **OWNED)) as run:
        folder.remove("a")
        folder.write("c", labelled("c"))
        run.settle()
        assert names(fake) == ["c", "set"], "another process knows the members too"


def test_an_owner_set_wakes_for_its_parent(fake, folder):
    with fake.run(kept(folder, **OWNED)) as run:
        run.advance(seconds=2)
        fake.delete(MAP, "set")
        run.advance(seconds=2)
        assert names(fake) == ["a", "b", "set"]


def test_an_owner_set_wakes_for_a_member_that_comes_back(fake, folder):
    with fake.run(kept(folder, **OWNED)) as run:
        run.settle()
        member = fake.get(MAP, "b")
        folder.remove("b")
        run.advance(seconds=2)
        run.advance(seconds=2)
        assert names(fake) == ["a", "set"]
        marks = {key: member["metadata"][key] for key in ("name", "labels", "annotations")}
        fake.create({**config("b"), "metadata": marks})
        run.advance(seconds=2)
        assert names(fake) == ["a", "set"]


def broken(folder):
    (folder.path / "b.yaml").write_text("kind: [")


def emptied(folder):
    folder.remove("a")
    folder.remove("b")


def gone(folder):
    folder.path.rename(folder.path.with_name("gone"))


def repeated(folder):
    folder.write("c", labelled("a"))


@pytest.mark.parametrize("settings", [SELECTED, OWNED])
@pytest.mark.parametrize("change", [broken, emptied, gone, repeated])
def test_a_set_that_cannot_be_read_changes_nothing(fake, folder, change, settings, caplog):
    with fake.run(kept(folder, **settings)) as run:
        run.settle()
        run.writes.clear()
        fake.patch(MAP, "a", {"op": "add", "path": "/data/more", "value": "x"})
        change(folder)
        run.advance(seconds=5)
        assert run.writes == []
        assert "kept: " in caplog.text
        folder = Folder(folder.path)
        (folder.path / "b.yaml").unlink(missing_ok=True)
        (folder.path / "c.yaml").unlink(missing_ok=True)
        folder.write("a", labelled("a", k="mended"))
        run.advance(seconds=2)
        assert fake.get(MAP, "a")["data"] == {"k": "mended"}
        assert "b" not in names(fake)


def test_files_that_change_while_they_are_read_give_no_set(fake, folder):
    """As when git-sync swaps its link between two files: the set would be of two revisions."""
    expected, tearing = kept(folder, **SELECTED), []

    def read():
        found = expected.read()
        if not tearing:
            return found
        tearing.clear()
        folder.write("c", labelled("b"))
        folder.remove("b")
        return [obj for obj in found if obj["metadata"]["name"] != "b"]

    torn = ExpectedSet(name="kept", read=read, signature=expected.signature, settings=expected.settings)
    with fake.run(torn) as run:
        run.settle()
        run.advance(seconds=2)
        tearing.append(True)
        folder.write("a", labelled("a", k="changed"))
        run.advance(seconds=5)
        assert not tearing
        assert "DELETE" not in methods(run)
        assert fake.get(MAP, "a")["data"] == {"k": "changed"}


def test_a_link_that_is_swapped_is_noticed(fake, tmp_path):
    """As git-sync does it: each revision has a folder, and one link is renamed over the other."""
    for revision, key in (("one", "a"), ("two", "b")):
        Folder(tmp_path / revision).write("all", labelled(key))
    link, new = tmp_path / "current", tmp_path / "new"
    link.symlink_to("one")
    with fake.run(gr.folder(link, name="kept", **SELECTED)) as run:
        run.settle()
        assert names(fake) == ["a"]
        new.symlink_to("two")
        new.rename(link)
        run.advance(seconds=2)
        assert names(fake) == ["b"]


def test_a_mounted_config_map_is_noticed(fake, tmp_path):
    """The kubelet renames ``..data`` over the old link; the files are links through it."""
    for revision, value in (("..1", "one"), ("..2", "two")):
        Folder(tmp_path / revision).write("a", labelled("a", k=value))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    with fake.run(gr.folder(tmp_path, name="kept")) as run:
        run.settle()
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        run.advance(seconds=2)
        assert fake.get(MAP, "a")["data"] == {"k": "two"}


@pytest.mark.parametrize("settings", [SELECTED, OWNED])
def test_detect_tells_and_writes_nothing(fake, folder, settings, caplog):
    caplog.set_level("INFO")
    with fake.run(kept(folder, **settings)) as run:
        run.settle()
    fake.patch(MAP, "a", {"op": "add", "path": "/data/more", "value": "x"})
    folder.remove("b")
    folder.write("c", labelled("c"))
    caplog.clear()
    with fake.run(kept(folder, **settings, mode="detect")) as run:
        run.settle()
        run.advance(seconds=100)
        assert run.writes == []
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("kept: ")]
    assert "kept: would create ConfigMap shop/c" in told
    assert "kept: would update ConfigMap shop/a: /data/more" in told
    assert "kept: would delete ConfigMap shop/b" in told


def test_detect_names_the_first_fields_of_many(fake, folder, caplog):
    caplog.set_level("INFO")
    with fake.run(kept(folder, **SELECTED)) as run:
        run.settle()
    fake.patch(MAP, "a", *({"op": "add", "path": f"/data/k{number:02}", "value": "x"} for number in range(23)))
    caplog.clear()
    with fake.run(kept(folder, **SELECTED, mode="detect")) as run:
        run.settle()
    (told,) = [text for record in caplog.records if "would update" in (text := record.getMessage())]
    assert told.endswith("and 3 more")
    assert told.count("/data/k") == 20


def test_detect_tells_what_cannot_be_judged_and_comes_back(fake, folder, caplog):
    folder.write("c", {"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "c"}})
    with fake.run(kept(folder, mode="detect")) as run:
        run.settle()
        assert run.advance(seconds=20) >= 1
    assert "kept: Nothing.example.com c" in caplog.text
    assert "1 objects could not be judged" in caplog.text


def test_a_guard_that_refuses_is_told_and_the_rest_is_done(fake, folder, caplog):
    with fake.run(kept(folder, **SELECTED, max_deletions=0)) as run:
        run.settle()
        folder.remove("b")
        folder.write("c", labelled("c"))
        run.advance(seconds=5)
        assert names(fake) == ["a", "b", "c"]
    assert "more than the 0 allowed" in caplog.text


def test_an_object_that_fails_is_told_and_tried_again(fake, folder, caplog):
    folder.write("c", {"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "c"}})
    with fake.run(kept(folder)) as run:
        run.settle()
        assert names(fake) == ["a", "b"]
        assert run.advance(seconds=20) >= 1
    assert "1 of 3 objects failed" in caplog.text


def test_two_sets_and_no_more_under_one_name(fake, folder):
    one, other = kept(folder), gr.callable(lambda: [config("c")], name="other")
    with fake.run(one, other) as run:
        run.settle()
        assert names(fake) == ["a", "b", "c"]
    with pytest.raises(gr.InputError, match="kept"):
        Program(one, kept(folder), cluster=fake)


async def stated_later():
    return [config("a")]


def generated():
    yield config("a")


@pytest.mark.parametrize("function", [lambda: [config("a")], lambda: iter([config("a")]), generated, stated_later])
def test_a_callable_is_kept(fake, function):
    with fake.run(gr.callable(function, name="kept")) as run:
        run.settle()
        fake.delete(MAP, "a")
        run.advance(seconds=2)
        assert names(fake) == ["a"]


def test_a_callable_says_when_it_runs_again(fake):
    """What it has yielded before is applied, and nothing is deleted."""
    times, is_open = [], []

    def function():
        times.append(fake.clock())
        yield labelled("a")
        if not is_open:
            yield gr.Retry(60)
        yield labelled("c")

    fake.create(labelled("old"))
    with fake.run(gr.callable(function, name="kept", **SELECTED)) as run:
        run.advance(seconds=5)
        assert names(fake) == ["a", "c", "old"]
        run.advance(seconds=200)
        assert [round(later - before) for before, later in itertools.pairwise(times[-4:])] == [60, 60, 60]
        is_open.append(True)
        run.advance(seconds=62)
        assert names(fake) == ["a", "c"]


def test_a_callable_that_says_when_it_runs_again_tells_no_deletion(fake, caplog):
    caplog.set_level("INFO", "genreconcile.controllers")
    fake.create(labelled("old"))
    with fake.run(gr.callable(lambda: [labelled("a"), gr.Retry(60)], name="kept", mode="detect", **SELECTED)) as run:
        run.settle()
    assert "would create ConfigMap shop/a" in caplog.text
    assert "old" not in caplog.text


@pytest.mark.parametrize(
    "end", [lambda: None, lambda: config("a"), lambda: 1 / 0, list, lambda: [config("a"), config("a")], lambda: 1]
)
def test_a_callable_that_states_no_set_changes_nothing(fake, end):
    is_wrong = []

    def function():
        return end() if is_wrong else [labelled("a"), labelled("b")]

    with fake.run(gr.callable(function, name="kept", resync=60, **SELECTED)) as run:
        run.settle()
        is_wrong.append(True)
        run.writes.clear()
        run.advance(seconds=200)
        assert run.writes == []
        assert names(fake) == ["a", "b"]
        is_wrong.clear()
        fake.delete(MAP, "a")
        run.advance(seconds=400)
        assert names(fake) == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: gr.folder(1, name="a"), "path"),
        (lambda: gr.folder(".", name="Not A Name"), "name"),
        (lambda: gr.folder(".", name="a", mode="perhaps"), "mode"),
        (lambda: gr.folder(".", name="a", resync=0), "resync"),
        (lambda: gr.folder(".", name="a", recursive="yes"), "recursive"),
        (lambda: gr.folder(".", name="a", rules=1), "rules"),
        (lambda: gr.folder(".", name="a", delete_selector={"a": "b"}), "delete_selector"),
        (lambda: gr.folder(".", name="a", delete_from_namespace="b"), "delete_from_namespace"),
        (lambda: gr.callable(1, name="a"), "function"),
        (lambda: gr.callable(list, name="a", unknown=1), "unknown"),
        (lambda: gr.callable(list, name="a", not_older_than=1), "not_older_than"),
        (lambda: gr.callable(list, name="a", delete_from_namespace="b"), "delete_from_namespace"),
        (lambda: gr.callable(list, name="a", owner="configmaps/a", **SELECTED), "owner"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, told):
    with pytest.raises(gr.ReconcileError, match=told):
        make()


def test_a_program_keeps_a_folder(fake, folder, monkeypatch):
    """With threads and in real time."""
    monkeypatch.setattr(setloop, "_LOOK", 0.05)
    with Program(kept(folder, **SELECTED), cluster=fake) as program:
        eventually(lambda: names(fake) == ["a", "b"])
        folder.write("c", labelled("c"))
        folder.remove("b")
        eventually(lambda: names(fake) == ["a", "c"])
        fake.delete(MAP, "a")
        eventually(lambda: names(fake) == ["a", "c"])
        assert program.is_healthy
    assert not [thread for thread in threading.enumerate() if "genreconcile-kept" in thread.name]


def test_files_that_are_being_copied_are_left_alone(fake, folder, monkeypatch):
    """The thread that looks takes a change for one once two of its looks agree."""
    monkeypatch.setattr(setloop, "_LOOK", 0.001)
    looks, is_copying = itertools.count(), threading.Event()

    def signature():
        return (next(looks),) if is_copying.is_set() else ("copied",)

    copied = kept(folder)
    counted = ExpectedSet(name="kept", read=copied.read, signature=signature, settings=copied.settings)
    with fake.run(counted) as run:
        run.advance(seconds=2)
        (loop,) = run._loops
        is_copying.set()
        watching = threading.Thread(target=loop.watch)
        watching.start()
        eventually(lambda: next(looks) > 50)
        assert loop.queue.next_time() > fake.clock() + 1000, "the resync"
        folder.write("c", labelled("c"))
        monkeypatch.setattr(loop, "_signature", ("before",))
        is_copying.clear()
        eventually(lambda: loop.queue.next_time() < fake.clock() + 2)
        run.advance(seconds=2)
        assert names(fake) == ["a", "b", "c"]
        loop.close()
        watching.join()


def test_a_controller_and_a_set_share_a_process(fake):
    def children(parent, ctx):
        yield config("child", "shop")

    namespaces = gr.controller("v1/Namespace", name="spaces", selector={"kubernetes.io/metadata.name": "shop"})(
        children
    )
    with fake.run(namespaces, gr.callable(lambda: [config("kept")], name="kept")) as run:
        run.advance(seconds=2)
        assert names(fake) == ["child", "kept"]
        fake.delete(MAP, "child")
        fake.delete(MAP, "kept")
        run.advance(seconds=2)
        assert names(fake) == ["child", "kept"]


def test_the_cache_of_a_set_is_closed_with_it(fake, folder, monkeypatch):
    stopped = []
    stop = Cache.stop
    monkeypatch.setattr(Cache, "stop", lambda self: (stopped.append(self), stop(self)))
    with fake.run(kept(folder)) as run:
        run.settle()
    assert stopped


@pytest.mark.parametrize(
    ("scope", "runs"), [(Scope(), True), (Scope("shop"), True), (Scope("shop", "b"), False), (Scope("bank"), False)]
)
def test_a_kind_that_is_not_known_any_more_runs_the_set(fake, scope, runs):
    """And one of which the set has no object does not."""
    with fake.run(gr.callable(lambda: [config("a")], name="kept")) as run:
        run.advance(seconds=5)
        (loop,) = run._loops
        before = loop.queue.next_time()
        for kind in ("Secret", "ConfigMap"):
            resource = loop._cache.discovery.get(GVK("", "v1", kind))
            loop._on_loss(Loss(resource, scope))
            assert (loop.queue.next_time() < before) is (runs and kind == "ConfigMap")


def test_a_file_may_be_a_set(fake, folder):
    with fake.run(gr.folder(os.fspath(folder.path / "a.yaml"), name="kept")) as run:
        run.settle()
        assert names(fake) == ["a"]
