"""Acting as another user: the headers, byte by byte, and what is refused."""

from unittest.mock import Mock

import pytest
from kubernetes.client import ApiClient, Configuration
from kubernetes.dynamic import DynamicClient

import genreconcile as gr
from genreconcile.cluster import DynamicCluster
from genreconcile.errors import InputError, Unauthorized, Unreachable
from support.accounts import written

pytestmark = pytest.mark.usefixtures("way")


def sent(server, tmp_path, user, **wishes):
    """The headers of one request that tell who asks, in their order."""
    lines = []
    server.behave = lambda handler: (lines.extend(handler.headers.raw_items()), handler.answer())
    path = written(tmp_path, f"http://127.0.0.1:{server.server_port}", user)
    gr.connect(kubeconfig=path, **wishes).request("GET", "/x")
    return [(name, value) for name, value in lines if name.startswith(("Imp", "Auth"))]


def test_r4_1_all_headers_of_a_kubeconfig(server, tmp_path):
    extra = {"Scopes": ["a", "b"], "example.com/x y%": ["1"], "ä": ["2"]}
    user = {"token": "t", "as": "bob", "as-groups": ["dev", "ops"], "as-uid": "7", "as-user-extra": extra}
    assert sent(server, tmp_path, user) == [
        ("Authorization", "Bearer t"),
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-scopes", "a"),
        ("Impersonate-Extra-scopes", "b"),
        ("Impersonate-Extra-example.com%2Fx%20y%25", "1"),
        ("Impersonate-Extra-%C3%A4", "2"),
    ]


def test_r4_1_arguments_win_over_the_kubeconfig_one_by_one(server, tmp_path):
    user = {"as": "bob", "as-groups": ["dev"], "as-uid": "7", "as-user-extra": {"a": ["1"], "b": ["2"]}}
    found = sent(server, tmp_path, user, as_="eve", as_groups=("x", "y"), as_user_extra={"b": ["3"]})
    assert found == [
        ("Impersonate-User", "eve"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "x"),
        ("Impersonate-Group", "y"),
        ("Impersonate-Extra-a", "1"),
        ("Impersonate-Extra-b", "3"),
    ]


@pytest.mark.parametrize("user", [{"as-groups": ["dev"]}, {"as-uid": "7"}, {"as-user-extra": {"a": ["b"]}}])
def test_r4_1_what_is_impersonated_without_a_user_is_an_error(tmp_path, user):
    path = written(tmp_path, "https://127.0.0.1:1", {"token": "t", **user})
    with pytest.raises(Unreachable, match=r"groups, uid or extra .* but no user"):
        gr.connect(kubeconfig=path)


@pytest.mark.parametrize("wish", [{"as_groups": ["dev"]}, {"as_uid": "7"}, {"as_user_extra": {"a": ["b"]}}])
def test_r4_1_so_are_arguments(tmp_path, wish):
    with pytest.raises(Unreachable, match=r"groups, uid or extra .* but no user"):
        gr.connect(kubeconfig=written(tmp_path, "https://127.0.0.1:1", {"token": "t"}), **wish)


@pytest.mark.parametrize(
    "wish",
    [
        {"as_groups": "dev"},
        {"as_groups": [1]},
        {"as_groups": 1},
        {"as_user_extra": {"a": "b"}},
        {"as_user_extra": ["a"]},
        {"as_": 1},
        {"as_uid": 7},
    ],
)
def test_r4_1_what_cannot_be_meant_is_an_error(tmp_path, wish):
    with pytest.raises(InputError, match=rf"^{next(iter(wish))}.*: not usable: "):
        gr.connect(kubeconfig=written(tmp_path, "https://127.0.0.1:1", {"token": "t"}), **{"as_": "bob", **wish})


@pytest.mark.parametrize("name", ["bob\r\nImpersonate-User: eve", "bob\n", " bob", "bob\0", "b\x7fb"], ids=ascii)
def test_r4_1_a_name_that_no_header_may_hold_is_never_sent(server, tmp_path, name):
    with pytest.raises(Unauthorized, match="the header impersonate-user cannot be sent"):
        sent(server, tmp_path, {"token": "t", "as": name})
    assert server.seen == []


def test_r4_1_a_name_of_any_script_goes_out_in_utf_8(server, tmp_path):
    ((_, value),) = sent(server, tmp_path, {"as": "jürgen"})
    assert value.encode("latin-1").decode() == "jürgen"


@pytest.mark.parametrize("wrap", [lambda client: client, lambda client: DynamicClient(client, discoverer=Mock())])
def test_r4_1_a_client_that_impersonates_does_so_through_us(server, wrap):
    client = ApiClient(Configuration(host=f"http://127.0.0.1:{server.server_port}"))
    client.configuration.api_key = {"authorization": "Bearer t"}
    client.set_default_header("Impersonate-User", "bob")
    DynamicCluster(wrap(client)).request("GET", "/x")
    headers = server.seen[0][2]
    assert (headers["Impersonate-User"], headers["authorization"]) == ("bob", "Bearer t")
    assert headers["User-Agent"] == "genreconcile"


def test_r4_1_over_plain_http_to_another_machine_only_the_wish_is_sent(tmp_path):
    path = written(tmp_path, "http://192.0.2.1:1", {"token": "t", "username": "", "as": "bob"})
    opened = gr.connect(kubeconfig=path)
    assert opened._credentials.headers() == [("Impersonate-User", "bob")]
