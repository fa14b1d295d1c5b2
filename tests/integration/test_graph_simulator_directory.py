"""People in the Graph simulator: users by their addresses, members of groups, and what is hidden without permission."""

from tests.integration.graph_lab import Asker
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

X500 = "/o=Firm/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=0b7e-Bob O'Neil"


def test_a_user_is_found_by_id_and_principal_name(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Not by another address; proxyAddresses by $select."""
    user = graph_tenant.user("bob@firm.example", upn="b.oneil@firm.onmicrosoft.example", aliases=["bob@old.example"])
    asked = "?$select=id,mail,proxyAddresses"
    assert graph_client.get(f"/users/{user.id}{asked}") == graph_client.get(f"/users/{user.upn}{asked}")
    shown = graph_client.get(f"/users('{user.upn}'){asked}")
    assert shown["mail"] == "bob@firm.example"
    assert shown["proxyAddresses"] == ["SMTP:bob@firm.example", "smtp:bob@old.example"]
    assert graph_client.refused(404, "GET", "/users/bob@old.example") == "Request_ResourceNotFound"


def test_the_owner_of_an_x500_address_is_found(graph_client: Asker, graph_tenant: Tenant) -> None:
    """$filter=proxyAddresses/any(p:p eq 'X500:/o=...'), an apostrophe doubled."""
    user = graph_tenant.user("bob@firm.example", x500=[X500])
    wanted = X500.replace("'", "''")
    query = {"$filter": f"proxyAddresses/any(p:p eq 'X500:{wanted}')", "$select": "id,mail"}
    found = graph_client.ask("GET", "/users", params=query).json()["value"]
    assert [(one["id"], one["mail"]) for one in found] == [(user.id, "bob@firm.example")]
    query["$filter"] = "proxyAddresses/any(p:p eq 'X500:/o=Firm/cn=nobody')"
    assert graph_client.ask("GET", "/users", params=query).json()["value"] == []


def test_members_of_a_group_come_in_pages_and_groups_in_it_are_groups(
    graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox
) -> None:
    """members holds the group inside, transitiveMembers also the people in that; a cast leaves only people."""
    inner = graph_tenant.group("Field", *[graph_tenant.user(f"u{n}@firm.example") for n in range(3)])
    outer = graph_tenant.group("Sales", graph_anna, inner)
    inner.members.append(outer)
    direct = graph_client.get(f"/groups/{outer.id}/members?$select=id,mail")["value"]
    assert [one["@odata.type"] for one in direct] == ["#microsoft.graph.user", "#microsoft.graph.group"]

    first = graph_client.get(f"/groups/{outer.id}/transitiveMembers/microsoft.graph.user?$select=id,mail&$top=3")
    second = graph_client.get(first["@odata.nextLink"])
    people = [one["mail"] for one in first["value"] + second["value"]]
    assert sorted(people) == ["anna@firm.example", "u0@firm.example", "u1@firm.example", "u2@firm.example"]
    assert graph_client.refused(404, "GET", "/groups/0b7e/members") == "Request_ResourceNotFound"


def test_without_the_right_to_read_users_members_have_no_mail(
    graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox
) -> None:
    """GroupMember.Read.All alone: the ids come, everything else is null."""
    group = graph_tenant.group("Sales", graph_anna)
    graph_client.application = graph_tenant.application(roles={"GroupMember.Read.All"})
    graph_client.sign_in()
    (member,) = graph_client.get(f"/groups/{group.id}/members?$select=id,mail,userPrincipalName")["value"]
    assert member["id"] == graph_anna.user.id
    assert member["mail"] is member["userPrincipalName"] is None
    assert graph_client.refused(403, "GET", f"/users/{graph_anna.user.id}") == "Authorization_RequestDenied"
