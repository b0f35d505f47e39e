"""Few reviews that prove as much as many: random accounts under a model of RBAC, beside which another authorizer may
decide as well.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genreconcile.access import Access, Right
from genreconcile.access.rules import Rule, Rules
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.reviews import Reviews
from support.api.scripted import status

VERBS = ("list", "watch", "create", "get", "patch", "delete")
KINDS = (("", "configmaps"), ("", "secrets"), ("apps", "deployments"), ("example.dev", "widgets"))
NAMESPACES = tuple(f"n{number}" for number in range(8))
NAMES = ("a", "b", "c")


class Account(MemoryCluster):
    """What an account may do: rules of the whole cluster, rules of namespaces, and rights that another authorizer than
    RBAC grants, of which its rules say nothing.
    """

    def __init__(self, cluster=(), local=None, others=(), *, says_so=True):
        self.cluster, self.local, self.others = tuple(cluster), local or {}, frozenset(others)
        self.is_complete = not others or not says_so
        super().__init__(Reviews(self.may, self.rules))

    def may(self, right):
        """As RBAC decides: a binding in a namespace grants nothing in others, nor in the whole cluster."""
        if right in self.others or right._replace(name="") in self.others:
            return True
        rules = (*self.cluster, *self.local.get(right.namespace, ())) if right.namespace else self.cluster
        return any(covers(rule, right) for rule in rules)

    def rules(self, namespace):
        rules = [as_json(rule) for rule in (*self.cluster, *self.local.get(namespace, ()))]
        return rules, self.is_complete

    @property
    def sent(self):
        return self.backend.sent

    @property
    def reviews(self):
        return self.sent.total()


def covers(rule, right):
    verbs, groups, plurals, names = rule
    pairs = ((right.verb, verbs), (right.group, groups), (right.plural, plurals))
    return all(part in parts or "*" in parts for part, parts in pairs) and (not names or right.name in names)


def as_json(rule):
    return dict(zip(("verbs", "apiGroups", "resources", "resourceNames"), map(list, rule), strict=True))


def some(values):
    return st.one_of(st.just(("*",)), st.lists(st.sampled_from(values), min_size=1, max_size=3).map(tuple))


GROUPS, PLURALS = sorted({group for group, _ in KINDS}), sorted({plural for _, plural in KINDS})
RULES = st.tuples(
    some(VERBS), some(GROUPS), some(PLURALS), st.one_of(st.just(()), st.just(("a",)), st.just(("a", "b")))
)
RIGHTS = st.builds(
    lambda verb, kind, namespace, name: Right(verb, *kind, namespace, "" if verb == "create" else name),
    st.sampled_from(VERBS),
    st.sampled_from(KINDS),
    st.sampled_from(("", *NAMESPACES)),
    st.sampled_from(("", *NAMES)),
)
LOCAL = st.dictionaries(st.sampled_from(NAMESPACES), st.lists(RULES, max_size=3), max_size=8)
ACCOUNTS = st.builds(Account, st.lists(RULES, max_size=2), LOCAL, st.lists(RIGHTS, max_size=3))


@given(ACCOUNTS, st.lists(st.lists(RIGHTS, max_size=40), min_size=1, max_size=3))
@settings(max_examples=400)
def test_r4_5_nothing_is_granted_or_refused_but_what_is(account, calls):
    access = Access(account)
    for rights in calls:
        assert access.missing(rights) == {right for right in rights if not account.may(right)}
    before = account.reviews
    access.missing(right for rights in calls for right in rights if account.may(right))
    assert account.reviews == before, "what is granted is not asked for again"


def needed(namespaces, kinds=KINDS, names=NAMES):
    """What a set of objects in these namespaces needs."""
    found = [
        Right(verb, *kind, place) for verb in ("list", "watch", "create") for kind in kinds for place in namespaces
    ]
    named = [
        (verb, kind, place, name)
        for verb in ("get", "patch")
        for kind in kinds
        for place in namespaces
        for name in names
    ]
    return found + [Right(verb, *kind, place, name) for verb, kind, place, name in named]


MANY = tuple(f"n{number}" for number in range(40))
ALL = ((tuple(VERBS), ("", "apps", "example.dev"), tuple(PLURALS), ()),)


def test_r4_5_an_administrator_is_asked_about_once():
    account = Account([(("*",), ("*",), ("*",), ())])
    assert Access(account).missing(needed(MANY)) == frozenset()
    assert account.sent == {"selfsubjectaccessreviews": 1}


@pytest.mark.parametrize("namespaces", [MANY, MANY[:3], MANY[:1], ("", *MANY)])
def test_r4_5_rights_in_the_whole_cluster_take_a_handful(namespaces):
    account = Account(ALL)
    assert Access(account).missing(needed(namespaces)) == frozenset()
    assert account.sent["selfsubjectaccessreviews"] <= 2
    assert account.sent["selfsubjectrulesreviews"] <= 2


def test_r4_5_a_server_that_knows_no_such_namespace_is_asked_of_those_there_are():
    class Strict(Account):
        def request(self, method, path, *, body, **_):
            found = super().request(method, path, body=body)
            return raise_forbidden() if b'"-"' in body else found

    account = Strict(ALL)
    assert Access(account).missing(needed(("", *MANY))) == frozenset()
    assert account.sent["selfsubjectrulesreviews"] == 1 + len(MANY)
    assert account.sent["selfsubjectaccessreviews"] <= 1 + 5 * len(KINDS)


def test_r4_5_rights_in_namespaces_take_one_for_each_namespace():
    account = Account(local=dict.fromkeys(MANY[:20], ALL))
    missing = Access(account).missing(needed(MANY))
    assert missing == set(needed(MANY[20:]))
    assert account.sent["selfsubjectrulesreviews"] == len(MANY)
    assert account.sent["selfsubjectaccessreviews"] <= 2


def test_r4_5_an_incomplete_answer_proves_a_right_and_never_its_absence():
    other = [Right("patch", "", "secrets", "n3")]
    rules = ((("list", "watch", "create", "get"), ("*",), ("*",), ()),)
    account = Account(local=dict.fromkeys(MANY, rules), others=other)
    missing = Access(account).missing(needed(MANY))
    patches = {right for right in needed(MANY) if right.verb == "patch"}
    assert missing == {right for right in patches if right[1:4] != ("", "secrets", "n3")}
    named = account.sent["selfsubjectaccessreviews"]
    assert named <= 1 + len(KINDS) + len(KINDS) * len(MANY) * (1 + len(NAMES))
    assert account.sent["selfsubjectrulesreviews"] == len(MANY)


def test_r4_5_an_error_makes_an_answer_incomplete():
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    found = Rules.of({"resourceRules": [rule], "incomplete": False, "evaluationError": "a role is not there"})
    assert found == Rules((Rule(frozenset({"get"}), frozenset({""}), frozenset({"pods"}), frozenset()),))
    assert found.grants(Right("get", "", "pods", "x", "y"))
    assert not found.excludes(Right("list", "", "pods", "x"))
    assert Rules.of({}).excludes(Right("list", "", "pods", "x"))


def test_r4_5_who_may_not_ask_is_asked_about_twice():
    class Mute(Account):
        def request(self, method, path, **settings):
            super().request(method, path, **settings)
            raise_forbidden()

    account = Mute()
    assert Access(account).missing(needed(MANY)) == frozenset()
    assert account.reviews == 2


def test_r4_5_who_may_not_ask_for_rules_is_asked_about_one_by_one():
    class Half(Account):
        def request(self, method, path, **settings):
            found = super().request(method, path, **settings)
            return raise_forbidden() if "rules" in path else found

    account = Half(ALL[:1], local={"n1": ALL})
    assert Access(account).missing(needed(MANY)) == frozenset()
    assert account.sent == {"selfsubjectaccessreviews": 1 + 5 * len(KINDS), "selfsubjectrulesreviews": 1}
    account = Half(local={"n1": ALL})
    assert Access(account).missing(needed(MANY[:3])) == set(needed(["n0", "n2"]))


def raise_forbidden():
    raise status(403)
