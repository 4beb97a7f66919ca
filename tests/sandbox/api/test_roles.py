import httpx
import pytest

from chaosctl.sandbox.api.server import ApiServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
REVIEWS = "/apis/authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
async def alice(server: ApiServer):
    async with httpx.AsyncClient(base_url=server.url_for(server.issue("alice", ("ops",)))) as client:
        yield client


@pytest.fixture
def grant(api):
    async def granted(rules, subject, *, cluster=False):
        kind = "ClusterRole" if cluster else "Role"
        where = RBAC if cluster else f"{RBAC}/namespaces/default"
        await api.post(f"{where}/{kind.lower()}s", json={"metadata": {"name": "r"}, "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"}
        binding = {"metadata": {"name": "b"}, "subjects": [subject], "roleRef": reference}
        made = await api.post(f"{where}/{kind.lower()}bindings", json=binding)
        assert made.status_code == 201, made.text

    return granted


ALICE = {"kind": "User", "name": "alice"}
READ_PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]


@pytest.mark.parametrize("prefix", ["", "/t/guess", "/t/"])
async def test_without_a_valid_token_nothing_is_answered(server, prefix):
    async with httpx.AsyncClient(base_url=server.origin) as client:
        for path in ("/version", "/api", PODS):
            refused = await client.get(prefix + path)
            assert (refused.status_code, refused.json()["reason"]) == (401, "Unauthorized")


async def test_a_bearer_token_is_as_good_as_a_prefix(server):
    headers = {"Authorization": f"Bearer {server.identities.admin_token}"}
    async with httpx.AsyncClient(base_url=server.origin, headers=headers) as client:
        assert (await client.get(PODS)).status_code == 200


async def test_what_no_role_allows_is_forbidden_in_the_words_of_kubernetes(alice):
    refused = await alice.get(PODS)
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
    assert refused.json()["message"] == (
        'pods is forbidden: User "alice" cannot list resource "pods" in API group "" '
        'in the namespace "default"'
    )
    refused = await alice.delete("/apis/apps/v1/namespaces/default/deployments/web")
    assert refused.json()["message"] == (
        'deployments.apps "web" is forbidden: User "alice" cannot delete resource "deployments" '
        'in API group "apps" in the namespace "default"'
    )
    refused = await alice.get("/api/v1/nodes")
    assert refused.json()["message"].endswith(
        'cannot list resource "nodes" in API group "" at the cluster scope'
    )


async def test_a_role_holds_in_its_namespace_only(alice, grant):
    await grant(READ_PODS, ALICE)
    assert (await alice.get(PODS)).status_code == 200
    assert (await alice.get("/api/v1/namespaces/kube-system/pods")).status_code == 403
    assert (await alice.get("/api/v1/pods")).status_code == 403
    assert (await alice.get(PODS, params={"watch": "true", "timeoutSeconds": "1"})).status_code == 403
    assert (await alice.get(f"{PODS}/a/log")).status_code == 403


async def test_a_cluster_role_for_a_group_holds_everywhere(alice, grant):
    await grant(READ_PODS, {"kind": "Group", "name": "ops"}, cluster=True)
    assert (await alice.get("/api/v1/pods")).status_code == 200


async def test_resource_names_and_subresources_narrow_a_rule(api, alice, grant, deployment):
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    for name in ("web", "other"):
        await api.post(deployments, json=deployment(name))
    rule = {
        "apiGroups": ["apps"],
        "resources": ["deployments/scale"],
        "verbs": ["get"],
        "resourceNames": ["web"],
    }
    await grant([rule], ALICE)
    for path, expected in {"web/scale": 200, "other/scale": 403, "web": 403}.items():
        assert (await alice.get(f"{deployments}/{path}")).status_code == expected


async def test_a_service_account_gets_a_token_and_its_rights(api, server, grant):
    await grant(READ_PODS, {"kind": "ServiceAccount", "name": "default", "namespace": "default"})
    asked = await api.post("/api/v1/namespaces/default/serviceaccounts/default/token", json={"spec": {}})
    token = asked.json()["status"]["token"]
    async with httpx.AsyncClient(base_url=server.url_for(token)) as client:
        assert (await client.get(PODS)).status_code == 200
        who = await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={})
    user = who.json()["status"]["userInfo"]
    assert user["username"] == "system:serviceaccount:default:default"
    assert "system:serviceaccounts:default" in user["groups"]


async def test_anybody_may_ask_what_they_may_do(alice, grant):
    await grant(READ_PODS, ALICE)

    async def allowed(**attributes: str) -> bool:
        spec = {"resourceAttributes": {"namespace": "default", **attributes}}
        answer = await alice.post(f"{REVIEWS}/selfsubjectaccessreviews", json={"spec": spec})
        assert answer.status_code == 201
        return answer.json()["status"]["allowed"]

    assert await allowed(verb="list", resource="pods")
    assert not await allowed(verb="delete", resource="pods")
    assert not await allowed(verb="list", resource="pods", namespace="kube-system")
    assert not await allowed(verb="get", resource="pods", subresource="log")
    rules = await alice.post(f"{REVIEWS}/selfsubjectrulesreviews", json={"spec": {"namespace": "default"}})
    assert rules.json()["status"]["resourceRules"] == READ_PODS


async def test_an_admin_may_ask_for_somebody_else(api, alice, grant):
    await grant(READ_PODS, ALICE)
    attributes = {"namespace": "default", "verb": "get", "resource": "pods"}
    review = {"spec": {"user": "alice", "resourceAttributes": attributes}}
    answer = await api.post(f"{REVIEWS}/subjectaccessreviews", json=review)
    assert answer.json()["status"]["allowed"] is True
    assert (await alice.post(f"{REVIEWS}/subjectaccessreviews", json=review)).status_code == 403


async def test_only_who_may_impersonate_can_be_somebody_else(api, alice):
    as_bob = {"Impersonate-User": "bob"}
    refused = await api.get(PODS, headers=as_bob)
    assert 'User "bob" cannot list' in refused.json()["message"]
    refused = await alice.get("/version", headers=as_bob)
    assert 'User "alice" cannot impersonate resource "users"' in refused.json()["message"]


async def test_the_usual_cluster_roles_are_there(api, alice):
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = {"metadata": {"name": "view"}, "subjects": [ALICE], "roleRef": reference}
    await api.post(f"{RBAC}/namespaces/default/rolebindings", json=binding)
    assert (await alice.get(PODS)).status_code == 200
    assert (await alice.get("/api/v1/namespaces/default/secrets")).status_code == 403
    assert (await alice.delete(PODS)).status_code == 403


ROLES = f"{RBAC}/namespaces/default/roles"
BINDINGS = f"{RBAC}/namespaces/default/rolebindings"
GIVE = [
    {
        "apiGroups": [GROUP],
        "resources": ["roles", "rolebindings"],
        "verbs": ["create", "update", "patch"],
    }
]


def binding_of(name, kind="Role"):
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    return {"metadata": {"name": f"to-{name}"}, "subjects": [ALICE], "roleRef": reference}


@pytest.mark.parametrize("dry_run", [{}, {"dryRun": "All"}])
async def test_nobody_gives_rights_away_that_they_do_not_have(alice, grant, dry_run):
    await grant([*READ_PODS, *GIVE], ALICE)
    more = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get", "delete"]}

    allowed = await alice.post(ROLES, json={"metadata": {"name": "same"}, "rules": READ_PODS}, params=dry_run)
    refused = await alice.post(ROLES, json={"metadata": {"name": "more"}, "rules": [more]}, params=dry_run)

    assert allowed.status_code == 201
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" '
        '(groups=["ops" "system:authenticated"]) is attempting to grant RBAC permissions '
        "not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "delete"]}'
    )


async def test_a_role_is_not_widened_by_an_update_or_a_patch(alice, grant):
    await grant([*READ_PODS, *GIVE], ALICE)
    await alice.post(ROLES, json={"metadata": {"name": "same"}, "rules": READ_PODS})
    wide = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]

    put = await alice.put(f"{ROLES}/same", json={"metadata": {"name": "same"}, "rules": wide})
    kind = {"content-type": "application/merge-patch+json"}
    patched = await alice.patch(f"{ROLES}/same", json={"rules": wide}, headers=kind)
    widened = await alice.patch(f"{ROLES}/r", json={"rules": [*GIVE, *READ_PODS, *wide]}, headers=kind)

    assert [put.status_code, patched.status_code, widened.status_code] == [403, 403, 403]


async def test_only_who_has_its_rights_or_may_bind_it_binds_a_role(api, alice, grant):
    await grant([*READ_PODS, *GIVE], ALICE)
    secrets = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    await api.post(ROLES, json={"metadata": {"name": "secrets"}, "rules": secrets})
    await api.post(ROLES, json={"metadata": {"name": "pods"}, "rules": READ_PODS})

    assert (await alice.post(BINDINGS, json=binding_of("pods"))).status_code == 201
    assert (await alice.post(BINDINGS, json=binding_of("secrets"))).status_code == 403
    assert (await alice.post(BINDINGS, json=binding_of("admin", "ClusterRole"))).status_code == 403
    assert (await alice.post(BINDINGS, json=binding_of("nobody"))).status_code == 404

    bind = {"apiGroups": [GROUP], "resources": ["roles"], "resourceNames": ["secrets"], "verbs": ["bind"]}
    kind = {"content-type": "application/merge-patch+json"}
    await api.patch(f"{ROLES}/r", json={"rules": [*READ_PODS, *GIVE, bind]}, headers=kind)
    assert (await alice.post(BINDINGS, json=binding_of("secrets"))).status_code == 201


async def test_who_may_escalate_writes_what_they_like_into_roles(alice, grant):
    await grant([{"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["create", "escalate"]}], ALICE)
    wide = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]

    assert (await alice.post(ROLES, json={"metadata": {"name": "all"}, "rules": wide})).status_code == 201
