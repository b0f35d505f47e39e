"""What an account asks about its own rights. The account of these cases may do everything."""

from __future__ import annotations

from support.contract.cases import case

REVIEWS = "/apis/authorization.k8s.io/v1"


@case
def who_may_do_everything_may_do_one_thing(place):
    asked = {"verb": "list", "resource": "configmaps", "namespace": place.namespace}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    answer = place.post(f"{REVIEWS}/selfsubjectaccessreviews", body)
    assert (answer["kind"], answer["spec"]) == (body["kind"], body["spec"])
    assert answer["status"]["allowed"] is True


@case
def the_rules_of_a_namespace_are_told(place):
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": place.namespace},
    }
    status = place.post(f"{REVIEWS}/selfsubjectrulesreviews", body)["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in status["resourceRules"]
    assert status["incomplete"] is False
