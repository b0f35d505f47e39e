"""diff, plan, apply and version: arguments, output, questions, exit codes."""

from __future__ import annotations

import io
import json
import platform
import sys
from importlib.metadata import version

import jsonschema
import pytest

from genreconcile.apply.result import Outcome, Result
from genreconcile.errors import (
    CacheError,
    Forbidden,
    InputError,
    LoadError,
    NotFound,
    NotSynced,
    PlanRefused,
    RuleError,
    Unauthorized,
    Unreachable,
)
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import Parent
from genreconcile.plan import Plan
from genreconcile.readiness import Status
from genreconcile.report import FORMATS, schema
from genreconcile.waiting import Waited
from unit.cli.fake_reconciler import Terminal, change

UPDATE = change("update", patch=[{"op": "replace", "path": "/spec/size", "value": 2}])
FAILED = change("none", "bad", error=InputError("bad: not usable: no; fix it", "/spec"))
SKIPPED = change("none", "kept", reason="kept for a reason", skipped=True)
SAME = change("none", "same")
DELETION = ("--delete-from-namespace", "shop", "--delete-selector", "app=web")


# Arguments


@pytest.mark.usefixtures("manifest")
def test_the_options_reach_the_reconciler(run, reconciler, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.yaml").write_text("apiVersion: example.dev/v1\nkind: Widget\nmetadata: {name: b}\n")

    done = run(
        *("plan", "-f", tmp_path, "-R", "-n", "shop", "--context", "c", "--kubeconfig", "k", *DELETION),
        *("--allow-empty", "--max-deletions", "3", "--kinds", "apps/v1/Widget", "--delete-kinds", "Widget.example.dev"),
    )

    assert done.code == 0
    assert reconciler.connected == {"kubeconfig": "k", "context": "c"}
    assert [obj["metadata"]["name"] for obj in reconciler.expected] == ["a", "b"]
    assert reconciler.calls == [
        {
            "namespace": "shop",
            "delete_from_namespace": "shop",
            "delete_selector": "app=web",
            "kinds": ("apps/v1/Widget",),
            "delete_kinds": ("Widget.example.dev",),
            "allow_empty": True,
            "max_deletions": 3,
            "owner": "",
            "owner_tool": "genreconcile",
            "fields": "exact",
            "verify": False,
        }
    ]
    assert not reconciler.is_open


def test_r2_9_deletions_may_go_first(run, reconciler, manifest):
    run("plan", "-f", manifest, "--prune-first")

    assert reconciler.calls[0]["prune_first"] is True


def test_without_options_nothing_is_deleted(run, reconciler, manifest):
    run("plan", "-f", manifest)

    assert reconciler.connected == {"kubeconfig": None, "context": None}
    assert reconciler.calls[0]["delete_from_namespace"] == ""
    assert reconciler.calls[0]["delete_selector"] is None
    assert reconciler.calls[0]["max_deletions"] is None


def test_stdin_is_a_file(run, reconciler, monkeypatch):
    content = b'{"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "x"}}'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert run("plan", "-f", "-").code == 0
    assert reconciler.expected[0]["metadata"]["name"] == "x"


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '-f'"),
        (["-f", "x", "-o", "xml"], "'xml' is not one of"),
        (["-f", "x", "--max-deletions", "-1"], "-1 is not in the range"),
        (["-f", "x", "--applyset", "configmaps/x", *DELETION], "--applyset says what to delete"),
        (["-f", "x", "--applyset", "configmaps/x", "--applyset-tool", "helm"], "'helm' is not one of"),
        (["-f", "x", "--delete-selector", "a=b"], "go together"),
        (["-f", "x", "--delete-from-namespace", "shop"], "go together"),
        (["-f", "x", "--delete-from-namespace", "shop", "--delete-selector", ""], "--delete-selector is empty"),
        (["-f", "x", "--delete-from-namespace", "shop", "--delete-selector", "a=="], "missing.yaml"),
        (["-f", "x", "--delete-from-namespace", "shop", "--delete-selector", "a in"], "label selector 'a in'"),
        (["-f", "x", "--kinds", "Widget"], "--kinds: 'Widget' is no kind"),
        (["-f", "x", "-v", "much"], "'much' is no number"),
        (["-f", "x", "--unknown"], "No such option"),
        (["-f", "missing.yaml"], "missing.yaml: cannot be read: No such file"),
    ],
)
def test_wrong_usage_is_2_and_asks_no_cluster(run, reconciler, command, arguments, message):
    done = run(command, *[argument if argument != "x" else "missing.yaml" for argument in arguments])

    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    assert reconciler.connected is None


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("watch", "Error: No such command 'watch'. [GR101]"),
        ("difff", "Error: No such command 'difff'; did you mean diff? [GR101]"),
    ],
)
def test_an_unknown_command_is_2(run, command, told):
    done = run(command)

    assert done.code == 2
    assert told in done.err


def test_a_bad_file_is_2_and_names_the_place(run, reconciler, tmp_path):
    (tmp_path / "a.yaml").write_text("kind: Widget\n")

    done = run("apply", "-f", tmp_path)

    assert done.code == 2
    assert done.err == f"error: {tmp_path}/a.yaml:1: no apiVersion; write one such as v1 or apps/v1 [GR206]\n"
    assert reconciler.connected is None


# Output


@pytest.mark.parametrize(
    ("command", "begins"),
    [("diff", "--- live/"), ("plan", "widget.example.dev/a to update"), ("apply", "widget.example.dev/a configured")],
)
def test_each_command_has_its_format(run, reconciler, manifest, command, begins):
    reconciler.plans = [Plan((change("update", patch=[{"op": "add", "path": "/spec", "value": 2}]),))]

    assert run(command, "-f", manifest).out.startswith(begins)


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
@pytest.mark.parametrize("output", FORMATS)
def test_each_format_can_be_asked_for(run, reconciler, manifest, command, output):
    reconciler.plans = [Plan((UPDATE, FAILED), warnings=(Notice("mind this", "GR503"),))]

    done = run(command, "-f", manifest, "-o", output)

    assert done.out
    assert "\x1b" not in done.out
    assert done.err == "warning: mind this [GR503]\n"
    if output == "json":
        found = json.loads(done.out)
        jsonschema.validate(found, schema())
        assert found["changes"][1]["error"]["message"] == "bad: not usable: no; fix it"
        told = [{"message": "mind this", "code": "GR503"}] if command != "apply" else None  # Its Result has its own.
        assert found.get("warnings") == told


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
def test_nothing_to_do_prints_no_diff(run, reconciler, manifest, command):
    reconciler.plans = [Plan((), (SAME,))]

    done = run(command, "-f", manifest, "-o", "diff")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_terminal_gets_colours_and_no_color_none(run, reconciler, manifest, monkeypatch):
    reconciler.plans = [Plan((change("update", patch=[{"op": "add", "path": "/spec", "value": 2}]), FAILED))]

    def out(command):
        terminal = Terminal()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            run(command, "-f", manifest)
        return terminal.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m+spec: 2\x1b[0m\n" in out("diff")
    assert (
        "\x1b[33mwidget.example.dev/a to update\x1b[0m\n  add /spec: 2\n\x1b[31mwidget.example.dev/bad failed"
        in out("plan")
    )
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            assert "\x1b" not in out("diff")


def test_json_has_no_colours_even_on_a_terminal(run, reconciler, manifest, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    reconciler.plans = [Plan((UPDATE,))]

    run("plan", "-f", manifest, "-o", "json")

    assert json.loads(terminal.getvalue())["kind"] == "Plan"


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_versions(run, asked):
    done = run(asked)

    assert done.code == 0
    own, python, client, server = done.out.splitlines()
    assert own in {f"genreconcile {version('genreconcile')} ({form})" for form in ("pure Python", "compiled")}
    assert python == f"Python {platform.python_version()}"
    assert client == f"kubernetes {version('kubernetes')}"
    assert server == "Kubernetes 1.35 to 1.37 tested, 1.28 needed"


# Exit codes


@pytest.mark.parametrize("command", ["diff", "plan"])
@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan(()), 0),
        (Plan((), (SAME,)), 0),
        (Plan((), warnings=("x",)), 0),
        (Plan((UPDATE,)), 1),
        (Plan((change("create"),)), 1),
        (Plan((change("delete"),)), 1),
        (Plan((SKIPPED,)), 1),
        (Plan((UPDATE, FAILED)), 2),
        (Plan((UPDATE,), refusals=("no",)), 4),
        (Plan((FAILED,), refusals=("no",)), 2),
    ],
)
def test_the_exit_code_of_a_plan(program, command, plan, code):
    program.reconciler.plans = [plan]

    assert program.run(command).code == code
    assert not program.reconciler.applied


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan(()), 0),
        (Plan((UPDATE,)), 0),
        (Plan((change("create"), change("delete", "b"))), 0),
        (Plan((UPDATE, FAILED)), 1),
        (Plan((SKIPPED,)), 1),
    ],
)
def test_the_exit_code_of_an_apply(run, reconciler, manifest, plan, code):
    reconciler.plans = [plan]

    assert run("apply", "-f", manifest).code == code
    assert reconciler.applied == [plan]


def test_an_object_that_the_server_refuses_is_1(run, reconciler, manifest):
    error = Forbidden("a: not written: 403; ask for the right")
    reconciler.plans = [Plan((UPDATE,))]
    reconciler.result = Result((Outcome(UPDATE, "failed", error=error),), ("a warning",))

    done = run("apply", "-f", manifest)

    assert done.code == 1
    assert "widget.example.dev/a failed: a: not written: 403; ask for the right [GR403]\n" in done.out
    assert done.err == "warning: a warning\n"


@pytest.mark.parametrize("command", ["diff", "plan", "apply"])
@pytest.mark.parametrize("step", ["connect", "plan"])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("cluster: no answer: refused; check it"), 3),
        (Unauthorized("cluster: 401; log in"), 3),
        (Forbidden("cluster: 403; ask"), 3),
        (NotSynced("Widget: no list; wait"), 3),
        (CacheError("x"), 2),
        (LoadError("x"), 2),
        (RuleError("x"), 2),
        (PlanRefused("x"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_that_ends_the_command(program, command, step, error, code):
    program.reconciler.raises = {step: error}

    done = program.run(command)

    assert done.code == code
    assert done.out == ""
    assert str(error) in done.err
    assert "Traceback" not in done.err
    assert not program.reconciler.is_open


@pytest.mark.parametrize("output", FORMATS)
def test_a_refusal_of_a_guard_is_4_and_the_result_is_printed(run, reconciler, manifest, output):
    reconciler.plans = [Plan((UPDATE, change("delete", "b")), refusals=("too many deletions",))]

    done = run("apply", "-f", manifest, "-o", output)

    assert done.code == 4
    assert done.err == "refused: too many deletions\n"
    assert done.out


def test_a_warning_is_printed_once(run, reconciler, manifest):
    one, two = Notice("one", "GR212"), Notice("two", "GR403")
    reconciler.plans = [Plan((UPDATE,), warnings=(one,))]
    reconciler.result = Result((), (one, two))

    assert run("apply", "-f", manifest).err == "warning: one [GR212]\nwarning: two [GR403]\n"


def test_a_refusal_without_a_result_is_4(run, reconciler, manifest):
    reconciler.raises = {"apply": PlanRefused("no")}

    done = run("apply", "-f", manifest)

    assert (done.code, done.out, done.err) == (4, "", "refused: no\n")


def test_refusals_of_a_plan_are_printed(run, reconciler, manifest):
    reconciler.plans = [Plan((UPDATE,), refusals=("too many deletions",))]

    assert run("plan", "-f", manifest).err == "refused: too many deletions\n"

    reconciler.plans = [Plan((UPDATE,), refusals=(Notice("too many", "GR801"), Notice("all", "GR802")))]
    assert run("plan", "-f", manifest).err == "refused: too many [GR801]\nrefused: all [GR802]\n"


# The question


PLAN = Plan((UPDATE, change("create", "b")))


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_yes_applies(run, reconciler, manifest, answer, typed):
    reconciler.plans = [PLAN]
    answer(typed)

    done = run("apply", "-f", manifest)

    assert done.code == 0
    assert reconciler.applied == [PLAN]
    assert "widget.example.dev/a to update" in done.err
    assert "1 to create, 1 to update" in done.err
    assert done.err.endswith("Apply? [y/N] ")
    assert done.out.startswith("widget.example.dev/a configured\n")


@pytest.mark.parametrize("typed", ["n\n", "\n", "", "yo\n"])
def test_anything_else_writes_nothing_and_differences_remain(run, reconciler, manifest, answer, typed):
    reconciler.plans = [PLAN]
    answer(typed)

    done = run("apply", "-f", manifest)

    assert done.code == 1
    assert not reconciler.applied
    assert done.out == ""
    assert done.err.endswith("nothing was written\n")


@pytest.mark.parametrize("flag", ["-y", "--yes"])
def test_yes_beforehand_asks_nothing(run, reconciler, manifest, answer, flag):
    reconciler.plans = [PLAN]
    answer("n\n")

    done = run("apply", "-f", manifest, flag)

    assert (done.code, done.err) == (0, "")
    assert reconciler.applied == [PLAN]


def test_without_a_terminal_nothing_is_asked(run, reconciler, manifest, answer, monkeypatch):
    reconciler.plans = [PLAN]
    answer("n\n")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)

    assert run("apply", "-f", manifest).code == 0
    assert reconciler.applied == [PLAN]


def test_nothing_to_do_asks_nothing(run, reconciler, manifest, answer):
    reconciler.plans = [Plan((SKIPPED,), (SAME,))]
    answer("n\n")

    assert "Apply?" not in run("apply", "-f", manifest).err
    assert reconciler.applied


def test_diff_and_plan_take_no_yes(run, manifest):
    assert run("plan", "-f", manifest, "--yes").code == 2


# The limit of deletions


def deletions(count, spared=0):
    gone = [change("delete", f"gone-{index}", namespace="shop") for index in range(count)]
    return Plan(tuple(gone), matches=count + spared)


@pytest.mark.parametrize(
    ("first", "limits"),
    [
        (deletions(5), [None]),
        (deletions(6), [None, 5]),
        (deletions(6, spared=24), [None]),  # 6 of 30
        (deletions(7, spared=24), [None, 6]),  # 7 of 31
        (Plan((change("create"), *deletions(6).changes), matches=6), [None, 5]),
    ],
)
def test_by_default_a_fifth_may_go_or_five(run, reconciler, manifest, first, limits):
    reconciler.plans = [first, Plan(first.changes, first.unchanged, refusals=("too many",))]

    done = run("plan", "-f", manifest, *DELETION)

    assert [call["max_deletions"] for call in reconciler.calls] == limits
    assert done.code == (4 if len(limits) > 1 else 1)


def test_a_limit_that_is_given_counts(run, reconciler, manifest):
    reconciler.plans = [deletions(50)]

    run("plan", "-f", manifest, *DELETION, "--max-deletions", "50")

    assert [call["max_deletions"] for call in reconciler.calls] == [50]


@pytest.mark.parametrize(
    ("namespaces", "options", "read"),
    [
        ([""], [], ["context"]),
        ([""], ["-n", "mine"], ["mine"]),
        (["b", "a", ""], [], ["a", "b", "context"]),
        (["a"], DELETION, ["a", "shop"]),
        (list("abcdef"), [], None),
    ],
)
def test_only_the_namespaces_of_the_objects_are_read(  # noqa: PLR0917 - fixtures are arguments
    run, reconciler, tmp_path, namespaces, options, read
):
    file = tmp_path / "many.yaml"
    objects = [
        f"apiVersion: example.dev/v1\nkind: Widget\nmetadata: {{name: w{index}, namespace: '{namespace}'}}\n"
        for index, namespace in enumerate(namespaces)
    ]
    file.write_text("---\n".join(objects))

    run("plan", "-f", file, *options)

    assert reconciler.settings["cache"].namespaces == (tuple(read) if read else None)


@pytest.mark.parametrize("allows", [True, False])
def test_many_namespaces_are_read_one_by_one_where_the_cluster_may_not_be(run, reconciler, tmp_path, allows):
    reconciler.cluster.allows = allows
    file = tmp_path / "many.yaml"
    header = "apiVersion: example.dev/v1\nkind: Widget\nmetadata: {name: w, namespace: "
    file.write_text("---\n".join(f"{header}{namespace}}}\n" for namespace in "abcdef"))

    run("plan", "-f", file)

    asked = [(review["verb"], review.get("namespace")) for review in reconciler.cluster.reviews]
    assert asked == [("list", None), ("watch", None)]
    assert reconciler.settings["cache"].namespaces == (None if allows else tuple("abcdef"))


def test_the_namespace_of_the_context_is_not_read_for_kinds_that_have_none(run, reconciler, tmp_path):
    file = tmp_path / "two.yaml"
    widget = "apiVersion: example.dev/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\n"
    file.write_text(widget + "---\napiVersion: example.dev/v1\nkind: Planet\nmetadata: {name: p}\n")

    run("plan", "-f", file)

    assert reconciler.settings["cache"].namespaces == ("shop",)


@pytest.mark.parametrize(("command", "level"), [("diff", "read"), ("plan", "read"), ("apply", "write")])
def test_rights_are_checked_for_what_a_command_does(program, command, level):
    program.run(command)
    assert program.reconciler.settings["check_access"] == level
    assert program.reconciler.settings["follow_definitions"] is False


# How to delete


def test_how_to_delete_reaches_the_reconciler(run, reconciler, manifest):
    run("apply", "-f", manifest)
    assert (reconciler.settings["propagation"], reconciler.settings["on_immutable"]) == ("", "fail")
    assert reconciler.apply_settings == {"wait": False, "dry_run": False}

    run("apply", "-f", manifest, "--cascade", "foreground", "--wait", "--on-immutable", "recreate")
    assert (reconciler.settings["propagation"], reconciler.settings["on_immutable"]) == ("foreground", "recreate")
    assert reconciler.apply_settings == {"wait": True, "dry_run": False}


@pytest.mark.parametrize(("plan", "code"), [(Plan(()), 0), (Plan((UPDATE, change("delete", "b"))), 1)])
def test_a_dry_run_shows_the_result_and_says_that_nothing_was_written(run, reconciler, manifest, plan, code):
    reconciler.plans = [plan]

    done = run("apply", "-f", manifest, "--dry-run=server")

    assert reconciler.apply_settings == {"wait": False, "dry_run": True}
    assert done.code == code
    assert done.err == "dry run: nothing was written\n"
    assert ("widget.example.dev/b deleted" in done.out) is bool(plan.changes)


def test_a_dry_run_asks_nothing(run, reconciler, manifest, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    reconciler.plans = [Plan((UPDATE,))]
    run("apply", "-f", manifest, "--dry-run", "server")
    assert reconciler.applied


def test_a_refused_dry_run_is_4(run, reconciler, manifest):
    reconciler.plans = [Plan((change("delete"),), refusals=("too many deletions",))]

    done = run("apply", "-f", manifest, "--dry-run=server")

    assert (done.code, done.err) == (4, "refused: too many deletions\n")


# Owner sets


@pytest.fixture
def _owned(reconciler):
    """A cluster that knows ConfigMaps, and has the parent ``configmaps/set`` in ``mine``."""
    kind = {"version": "v1", "kind": "ConfigMap"}
    resource = {"resource": "configmaps", "responseKind": kind, "scope": "Namespaced", "verbs": ["list", "watch"]}
    core = [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": [resource]}]}]
    lists = {"/api": core, "/apis": []}
    annotations = {
        "applyset.kubernetes.io/tooling": "kubectl/v1.32.0",
        "applyset.kubernetes.io/contains-group-kinds": "Gone.example.dev",
        "applyset.kubernetes.io/additional-namespaces": "a,b",
    }
    set_id = Parent(GVK("", "v1", "ConfigMap"), ObjectKey("", "ConfigMap", "mine", "set")).id
    parent = {"metadata": {"labels": {"applyset.kubernetes.io/id": set_id}, "annotations": annotations}}

    def request(method, path, **_):
        assert method == "GET"
        if path in lists:
            return json.dumps({"apiVersion": "apidiscovery.k8s.io/v2", "items": lists[path]}).encode()
        if path != "/api/v1/namespaces/mine/configmaps/set":
            raise NotFound(path, status=404)
        return json.dumps(parent).encode()

    reconciler.cluster.request = request


@pytest.mark.usefixtures("_owned")
def test_an_owner_set_is_read_in_all_its_namespaces(run, reconciler, manifest):
    done = run("plan", "-f", manifest, "-n", "mine", "--applyset", "configmaps/set", "--applyset-tool", "kubectl")

    assert done.code == 0, done.err
    assert (reconciler.calls[0]["owner"], reconciler.calls[0]["owner_tool"]) == ("configmaps/set", "kubectl")
    assert reconciler.settings["cache"].namespaces == ("a", "b", "mine")


@pytest.mark.usefixtures("_owned")
def test_another_tools_set_is_refused_before_anything_is_read(run, reconciler, manifest):
    done = run("apply", "-f", manifest, "-n", "mine", "--applyset", "configmaps/set")

    assert done.code == 4
    assert "ConfigMap mine/set: not usable as an owner: it belongs to kubectl/v1.32.0" in done.err
    assert reconciler.applied == []


@pytest.mark.usefixtures("_owned")
def test_a_new_owner_set_is_read_where_its_parent_is_to_be(run, reconciler, manifest):
    run("plan", "-f", manifest, "-n", "mine", "--applyset", "configmaps/new")
    assert reconciler.settings["cache"].namespaces == ("mine",)


@pytest.mark.usefixtures("_owned")
def test_by_default_a_fifth_of_an_owner_set_may_go(run, reconciler, manifest):
    first = deletions(6)
    reconciler.plans = [first, Plan(first.changes, refusals=("too many",))]

    done = run("plan", "-f", manifest, "-n", "mine", "--applyset", "configmaps/new")

    assert [call["max_deletions"] for call in reconciler.calls] == [None, 5]
    assert done.code == 4


def test_what_is_spared_is_told_who_asks_for_more(run, reconciler, manifest):
    reconciler.plans = [Plan((), spared=(change("none", "pod", reason="not deleted: Widget web controls it"),))]
    assert run("plan", "-f", manifest).err == ""
    assert "Widget.example.dev pod: not deleted: Widget web controls it" in run("plan", "-f", manifest, "-v", "1").err


# Waiting


CURRENT = Waited(ObjectKey("example.dev", "Widget", "", "a"), Status("Current", "Ready", "its condition Ready is True"))
SILENT = Waited(
    CURRENT.key, Status("Current", "NothingTold", "it is there", warning=Notice("does its controller run?", "GR915"))
)
BLOCKED = Waited(
    CURRENT.key,
    Status("InProgress", "TooFewReady", "0 of 1 replicas are ready"),
    ObjectKey("", "Pod", "shop", "a-1"),
    Status("Failed", "Unschedulable", "no node takes it"),
    "FailedScheduling: 0/1 nodes are available",
)
BLOCKED_TEXT = (
    "Widget.example.dev a: InProgress (TooFewReady): 0 of 1 replicas are ready; "
    "held up by Pod shop/a-1: Failed (Unschedulable): no node takes it; "
    "last Event: FailedScheduling: 0/1 nodes are available"
)


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        ((CURRENT,), (0, "Widget.example.dev a: Current (Ready): its condition Ready is True\n", "")),
        (
            (SILENT,),
            (0, "Widget.example.dev a: Current (NothingTold): it is there; does its controller run? [GR915]\n", ""),
        ),
        ((BLOCKED,), (1, f"{BLOCKED_TEXT}\n", "")),
        ((), (0, "", "")),
    ],
)
def test_wait_prints_how_each_object_is(run, reconciler, manifest, waited, said):
    reconciler.waited = waited
    done = run("wait", "-f", manifest, "-n", "shop", "--timeout", "1m30s")
    assert (done.code, done.out, done.err) == said
    ((expected, settings),) = reconciler.waits
    assert [obj["metadata"]["name"] for obj in expected] == ["a"]
    assert settings == {"namespace": "shop", "timeout": 90.0}
    assert reconciler.calls == [], "nothing is planned"


@pytest.mark.parametrize("waited", [(CURRENT, BLOCKED, SILENT), ()])
def test_wait_prints_json(run, reconciler, manifest, waited):
    reconciler.waited = waited
    done = run("wait", "-f", manifest, "-o", "json")
    found = json.loads(done.out)
    jsonschema.validate(found, schema())
    assert (done.code, done.err) == (int(bool(waited)), "")
    assert found["ready"] is not bool(waited)
    assert [one["state"] for one in found["objects"]] == [one.status.state for one in waited]
    if waited:
        assert found["summary"] == {"Current": 2, "InProgress": 1}
        blocked = found["objects"][1]
        assert blocked["heldUpBy"]["name"] == "a-1"
        assert blocked["heldUpBy"]["reason"] == "Unschedulable"
        assert [one["warningCode"] for one in found["objects"]] == ["", "", "GR915"]
        assert blocked["lastEvent"] == "FailedScheduling: 0/1 nodes are available"
        blocked["heldUpBy"]["other"] = 1
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(found, schema())


def test_the_timeout_bounds_the_wait_for_deletions(run, reconciler, manifest):
    assert run("apply", "-f", manifest, "--wait", "--timeout", "7s").code == 0
    assert reconciler.settings["wait_timeout"] == 7.0


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        ((CURRENT,), (0, "")),
        ((SILENT,), (0, "warning: Widget.example.dev a: does its controller run? [GR915]\n")),
        ((BLOCKED,), (1, f"not ready: {BLOCKED_TEXT}\n")),
    ],
)
def test_apply_waits_where_it_is_asked_to(run, reconciler, manifest, waited, said):
    reconciler.waited = waited
    done = run("apply", "-f", manifest, "--wait", "--timeout", "60")
    assert (done.code, done.err) == said
    ((_, settings),) = reconciler.waits
    assert 0 < settings["timeout"] <= 60
    assert reconciler.apply_settings == {"wait": True, "dry_run": False}


def test_waves_wait(run, reconciler, manifest):
    assert run("apply", "-f", manifest, "--wait-waves", "--timeout", "1h").code == 0
    assert reconciler.apply_settings == {"wait": True, "dry_run": False, "wait_waves": 3600.0}
    assert len(reconciler.waits) == 1


@pytest.mark.parametrize("arguments", [(), ("--wait", "--dry-run", "server")])
def test_nobody_waits_otherwise(run, reconciler, manifest, arguments):
    run("apply", "-f", manifest, *arguments)
    assert reconciler.waits == []


@pytest.mark.parametrize("text", ["soon", "5d", "-1", "1.5.5s", "", "5 m"])
def test_what_is_no_duration(run, manifest, text):
    done = run("wait", "-f", manifest, f"--timeout={text}")
    assert done.code == 2
    assert "is no duration; write seconds, or one such as 90s or 1h30m" in done.err
