"""``genreconcile run``: what the options make of it, without a cluster."""

import json
import signal

import jsonschema
import pytest

import genreconcile as gr
from genreconcile.access import Right
from genreconcile.controllers import planning, program, rights, signals
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.report import schema
from genreconcile.report.operators import Planned

KEY = gr.ObjectKey("example.com", "Thing", "shop", "a")

OPERATOR = """
import genreconcile as gr

@gr.controller("example.com/v1/Thing", name="{name}")
def function(parent, ctx):
    return []

again = function
"""


@pytest.fixture
def started(monkeypatch, reconciler):
    """What the program was started with."""
    found = {}

    def run(*sources, **keywords):
        found.update(keywords, sources=sources)

    monkeypatch.setattr(program, "run", run)
    return found


@pytest.fixture
def operator(tmp_path):
    def operator(name, text=OPERATOR):
        file = tmp_path / f"{name}.py"
        file.write_text(text.replace("{name}", name))
        return file

    return operator


def test_the_controllers_of_all_files_run_in_one_program(run, started, operator):
    assert run("run", operator("one"), operator("two"), "--watch-namespace", "a", "--watch-namespace", "b").code == 0
    assert [source.settings.name for source in started["sources"]] == ["one", "two"]
    assert all(isinstance(source, Controller) for source in started["sources"])
    assert started["namespaces"] == ("a", "b")


def test_a_controller_that_two_files_share_runs_once(run, started, operator):
    operator("shared")
    text = "from shared import function\n"
    assert run("run", operator("one", text), operator("two", text)).code == 0
    assert len(started["sources"]) == 1


def test_a_file_named_as_a_module_of_python_does_not_hide_it(run, started, operator):
    text = f"import operator\nassert operator.add(1, 2) == 3\n{OPERATOR}"
    assert run("run", operator("operator", text)).code == 0


def test_a_folder_is_a_set_with_the_options(run, started, tmp_path):
    options = ["--name", "shop", "-n", "a", "--delete-from-namespace", "a", "--delete-selector", "app=web"]
    options += ["--max-deletions", "3", "--delete-kinds", "Namespace", "--mode", "detect", "-R"]
    assert run("run", "-f", tmp_path, *options).code == 0
    (source,) = started["sources"]
    assert isinstance(source, ExpectedSet)
    assert (source.name, source.mode, source.field_manager) == ("shop", "detect", "genreconcile-shop")
    assert source.settings["namespace"] == "a"
    assert (source.prune.namespace, source.prune.max_deletions, source.prune.kinds) == ("a", 3, {"Namespace"})
    assert started["namespaces"] is None


def test_a_folder_may_be_an_owner_set(run, started, tmp_path):
    assert run("run", "-f", tmp_path, "--applyset", "configmaps/shop").code == 0
    (source,) = started["sources"]
    assert (source.prune.owner.text, source.mode) == ("configmaps/shop", "enforce")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param([], "Give Python files with controllers, or -f", id="nothing"),
        pytest.param(["OPERATOR", "-f", "."], "Give Python files with controllers, or -f", id="both"),
        pytest.param(["OPERATOR", "--mode", "detect"], "--mode goes with -f", id="mode of a controller"),
        pytest.param(["OPERATOR", "-n", "a"], "--namespace goes with -f", id="namespace of a controller"),
        pytest.param(["-f", ".", "--delete-selector", "a=b"], "go together", id="selector without a namespace"),
        pytest.param(["-f", ".", "--delete-from-namespace", "a"], "go together", id="namespace without a selector"),
        pytest.param(
            ["-f", ".", "--applyset", "configmaps/a", "--delete-from-namespace", "a", "--delete-selector", "a=b"],
            "a namespace and a selector say otherwise",
            id="owner and selector",
        ),
        pytest.param(["-f", ".", "--name", "Not A Name"], "name", id="name"),
        pytest.param(["missing.py"], "missing.py", id="no such file"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, started, operator, options, told):
    done = run("run", *(operator("one") if option == "OPERATOR" else option for option in options))
    assert done.code == 2
    assert told in done.err
    assert started == {}


def test_a_file_without_a_controller_is_refused(run, started, operator):
    done = run("run", operator("one"), operator("nothing", "x = 1\n"))
    assert done.code == 2
    assert "nothing.py defines no controller" in done.err
    assert started == {}


def test_a_file_that_fails_shows_its_author_where_and_why(run, started, operator):
    done = run("run", operator("one", "def function():\n    raise ValueError('the reason')\n\nfunction()\n"))
    assert done.code == 2
    assert "line 2, in function" in done.err
    assert "ValueError: the reason" in done.err
    assert "one.py cannot be imported: ValueError" in done.err
    assert "a fault of genreconcile" not in done.err


REFUSED = """\
import genreconcile as gr

@gr.controller("example.com/v1/App", name="apps", adopt="always")
def apps(parent, ctx):
    return []
"""


def test_a_setting_that_is_refused_is_told_by_file_and_line(run, started, operator):
    file = operator("one", REFUSED)
    done = run("run", file)
    assert done.code == 2
    assert f"{file}:3: adopt: not usable: 'always' is unknown; use never or unowned. [GR110]" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("text", ["def function(:\n", "import genreconcile as gr\ngr.controller('v1/Pod')\n"])
def test_a_traceback_begins_with_the_file(run, started, operator, text):
    file = operator("one", text)
    done = run("run", file)
    assert done.code == 2
    assert "importlib" not in done.err
    assert done.err.count(f'File "{file}"') == 1
    assert next(line for line in done.err.splitlines() if line.startswith("  File")).startswith(f'  File "{file}"')


def test_a_signal_stops_a_program_and_a_second_one_ends_it(monkeypatch):
    ended = []
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    with signals.Signals() as heard:
        signal.raise_signal(signal.SIGTERM)
        heard.wait()
        assert ended == []
        signal.raise_signal(signal.SIGTERM)
        assert ended == [128 + signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_lease(run, started, operator):
    assert run("run", operator("one")).code == 0
    assert started["lease"] is None
    assert run("run", operator("one"), "--lease", "shop").code == 0
    assert started["lease"] == gr.Lease("shop")
    options = ["--lease-duration", "30", "--lease-renew-deadline", "20", "--lease-retry-period", "3"]
    assert run("run", operator("one"), "--lease", "web/shop", *options, "--lease-identity", "pod-0").code == 0
    assert started["lease"] == gr.Lease("shop", "web", "pod-0", 30, 20.0, 3.0)


def test_shards(run, started, operator):
    assert run("run", operator("one"), "--lease", "shop", "--shards", "3").code == 0
    assert started["lease"] == gr.Lease("shop", shards=3)
    assert run("run", operator("one"), "--lease", "shop", "--shards", "3", "--shard-identity", "1").code == 0
    assert started["lease"] == gr.Lease("shop", shards=3, shard_identity=1)
    assert run("run", operator("one"), "--lease", "shop", "--shards", "3", "--takeover-after", "9").code == 0
    assert started["lease"] == gr.Lease("shop", shards=3, takeover_after=9.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lease-duration", "30"), "--lease-duration goes with --lease."),
        (("--lease-identity", "me"), "--lease-identity goes with --lease."),
        (("--shards", "2"), "--shards goes with --lease."),
        (("--lease", "shop", "--takeover-after", "9"), "--takeover-after goes with --shards."),
        (("--shard-identity", "0"), "--shard-identity goes with --lease."),
        (("--lease", "shop", "--shard-identity", "0"), "has no effect without shards"),
        (("--lease", "Shop"), "is no name of a Lease"),
        (("--lease", "shop", "--lease-duration", "9"), "is not less than the lease's duration of 9 s"),
    ],
)
def test_a_lease_that_cannot_be_meant(run, started, operator, options, said):
    done = run("run", operator("one"), *options)
    assert done.code == 2
    assert said in done.err
    assert started == {}


def test_a_lost_lease_ends_the_command(run, monkeypatch, reconciler, operator):
    def lose(*_, **__):
        raise gr.NotLeading("the Lease web/shop: lost")

    monkeypatch.setattr(program, "run", lose)
    done = run("run", operator("one"), "--lease", "shop")
    assert (done.code, done.err) == (3, "error: the Lease web/shop: lost [GR905]\n")


def test_what_a_program_tells_of_itself(run, started, operator):
    assert run("run", operator("one")).code == 0
    assert (started["listen"], started["events"]) == ("", True)
    assert run("run", operator("one"), "--listen", ":8080", "--no-events").code == 0
    assert (started["listen"], started["events"]) == (":8080", False)
    done = run("run", operator("one"), "--log-format", "yaml")
    assert done.code == 2
    assert "--log-format" in done.err


def test_a_place_to_listen_that_is_none_is_refused_before_anything_runs(run, reconciler, operator):
    done = run("run", operator("one"), "--listen", "8080")
    assert (done.code, done.err) == (
        2,
        "error: listen: not usable: '8080' is no address; write it as :8080 or 127.0.0.1:8080 [GR110]\n",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "json"), "-o goes with --plan."),
        (("--plan", "--release"), "--plan and --release exclude each other"),
        (("--as-controller", "old"), "--as-controller goes with --plan."),
    ],
)
def test_options_of_a_dry_run(run, reconciler, operator, options, said):
    done = run("run", operator("one"), *options)
    assert done.code == 2
    assert said in done.err


def test_a_dry_run_as_another_controller_and_with_changes_accepted(run, reconciler, operator, monkeypatch):
    asked = []

    def planned(sources, _, namespaces, *, accept_changes):
        asked.append(([one.settings.name for one in sources], namespaces, accept_changes))
        return []

    monkeypatch.setattr(planning, "planned", planned)
    monkeypatch.setattr(planning, "missing_rights", lambda *_: [])
    assert run("run", operator("one"), "--plan", "--as-controller", "old", "--accept-changes").code == 0
    assert asked == [(["old"], None, True)]
    done = run("run", operator("one"), operator("two"), "--plan", "--as-controller", "old")
    assert (done.code, asked[1:]) == (2, [])
    assert "--as-controller goes with one controller." in done.err


@pytest.mark.parametrize(
    "case",
    [
        (
            (Planned("things", None, refusal="too much"),),
            4,
            [
                "things: refused: too much",
                "missing right: patch things.example.com in shop",
                "0 looked at: 0 would be changed, 0 could not be judged",
            ],
        ),
        ((), 0, ["0 looked at: 0 would be changed, 0 could not be judged"]),
        ((Planned("things", KEY),), 0, ["1 looked at: 0 would be changed, 0 could not be judged"]),
        (
            (Planned("things", KEY, error="KeyError"), Planned("kept", None, error="no")),
            2,
            [
                "things: Thing.example.com shop/a: not judged: KeyError",
                "kept: not judged: no",
                "missing right: patch things.example.com in shop",
                "2 looked at: 0 would be changed, 2 could not be judged",
            ],
        ),
    ],
)
def test_a_dry_run_prints_what_would_be_done(run, started, operator, monkeypatch, case):
    found, code, lines = case
    missing = [Right("patch", "example.com", "things", "shop")] if code else []
    monkeypatch.setattr(planning, "planned", lambda *_, **__: list(found))
    monkeypatch.setattr(planning, "missing_rights", lambda *_: missing)
    done = run("run", operator("one"), "--plan")
    assert (done.code, done.out.splitlines()) == (code, lines)
    assert started == {}, "nothing runs"
    read = json.loads(run("run", operator("one"), "--plan", "-o", "json").out)
    jsonschema.validate(read, schema())
    assert [one["error"] for one in read["plans"]] == [one.error for one in found]


@pytest.mark.parametrize("arguments", [(), ("operator", "files")])
def test_rbac_takes_files_or_operators(run, reconciler, operator, manifest, arguments):
    given = {"operator": [operator("one")], "files": ["-f", manifest]}
    done = run("rbac", *(word for name in arguments for word in given[name]))
    assert done.code == 2
    assert "Give -f with the objects of apply, or Python files with controllers." in done.err


def test_rbac_of_an_operator_prints_roles_and_what_nobody_can_judge(run, reconciler, operator, monkeypatch):
    found = frozenset({Right("list", "example.com", "things"), Right("watch", "example.com", "things")})
    unknown = [Planned("things", KEY, error="KeyError")]
    asked = []

    def rights_of(*arguments):
        asked.append(arguments[2])
        return found, unknown

    monkeypatch.setattr(rights, "rights_of", rights_of)
    done = run("rbac", operator("one"), "--watch-namespace", "shop", "-o", "json")
    assert (done.code, done.err) == (2, "not judged: things: Thing.example.com shop/a: KeyError\n")
    (role,) = json.loads(done.out)["items"]
    assert role["rules"] == [{"apiGroups": ["example.com"], "resources": ["things"], "verbs": ["list", "watch"]}]
    assert asked == [["shop"]]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "genreconcile"),
        (["--serviceaccount", "ops:keeper"], "genreconcile:ops:keeper"),
        (["--user", "ann@example.com"], "genreconcile:ann@example.com"),
        (["--user", "oidc/ann%1"], "genreconcile:oidc:ann:1"),
        (["--user", "ann", "--name", "mine"], "mine"),
    ],
)
def test_roles_are_named_after_their_account(run, reconciler, operator, monkeypatch, options, name):  # noqa: PLR0917
    monkeypatch.setattr(rights, "rights_of", lambda *_: (frozenset({Right("list", "example.com", "things")}), []))
    done = run("rbac", operator("one"), "-o", "json", *options)
    assert {item["metadata"]["name"] for item in json.loads(done.out)["items"]} == {name}
