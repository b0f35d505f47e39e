"""SelfSubjectAccessReviews: which are sent, and what their answers mean."""

import pytest

from genreconcile.access import Access, Right
from genreconcile.errors import ClusterError, Unauthorized
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.reviews import Reviews
from support.api.scripted import status

ANY = Right("patch", "", "pods", "shop")
NAMED = [ANY._replace(name=name) for name in "abc"]


class Reviewer(MemoryCluster):
    def __init__(self, *granted, error=None):
        self.granted, self.error = set(granted), error
        super().__init__(Reviews(lambda right: right in self.granted))

    @property
    def asked(self):
        return self.backend.asked

    def request(self, method, path, **settings):
        assert method == "POST"
        if self.error:
            raise self.error
        assert path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return super().request(method, path, **settings)


def test_what_is_granted_is_asked_for_once():
    server = Reviewer(ANY)
    access = Access(server)
    assert access.missing([ANY]) == access.missing([ANY]) == frozenset()
    assert server.asked == [ANY]


def test_what_is_refused_is_asked_for_again():
    server = Reviewer()
    access = Access(server)
    assert access.missing([ANY]) == {ANY}
    server.granted.add(ANY)
    assert access.missing([ANY]) == frozenset()


def test_who_may_do_it_to_any_object_is_not_asked_by_name():
    server = Reviewer(ANY)
    access = Access(server)
    assert access.missing(NAMED) == frozenset()
    assert access.missing([ANY, *NAMED]) == frozenset()
    assert server.asked == [ANY]


def test_else_each_name_counts():
    server = Reviewer(NAMED[0])
    access = Access(server)
    assert access.missing(NAMED) == set(NAMED[1:])
    assert set(server.asked) == {ANY, *NAMED}
    assert access.missing([ANY]) == {ANY}, "a right by name is none to any object"


@pytest.mark.parametrize("error", [status(403), status(404), status(500)])
def test_who_cannot_ask_is_not_refused(error, caplog):
    assert Access(Reviewer(error=error)).missing([ANY, *NAMED]) == frozenset()
    assert "rights: not checked" in caplog.text


def test_a_server_that_knows_us_not_ends_it():
    with pytest.raises(Unauthorized):
        Access(Reviewer(error=Unauthorized("who?", status=401))).missing([ANY])
    assert issubclass(Unauthorized, ClusterError)
