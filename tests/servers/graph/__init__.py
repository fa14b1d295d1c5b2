"""A Microsoft Graph simulator: a real HTTPS server with state, for mail, calendars, people and change notifications.

It follows the published documentation of Graph v1.0 and knows nothing of any client.

    with GraphServer(authority) as server:
        tenant = server.tenant()                             # everything hangs on a tenant; make one for each test
        application = tenant.application()                   # client_id, secret; all roles unless roles={...}
        mailbox = tenant.mailbox("anna@firm.example")
        message = mailbox.deliver(raw_octets)                # .id, .immutable_id; folder="sentitems", received=...

A client signs in at `tenant.authority` (msal: `instance_discovery=False`) for the scope `tenant.resource + "/.default"`
and asks `tenant.endpoint`, trusting the authority's `ca_file`.

- Tenant: `user`, `mailbox`, `group`, `application`, `token`, `expire_tokens`, `fail_sign_in`, `snapshot`; counters
  `requests` (parts of batches too), `http`, `token_requests`, `busiest`, `throttled`; `faults` (see faults.py);
  `notifications` (subscriptions, see notifications.py); `violations` of Microsoft's description, if it is at hand.
  A user whose `mailbox` is set to None has none any more.
- Mailbox: `deliver`, `draft`, `send_draft`, `move`, `copy`, `delete`, `change`, `categorise`, `flag`, `set_extended`,
  `automatic_replies`, `create_folder`, `rename_folder`, `delete_folder`, `expire_links`, `snapshot`; `prebuild` before
  a benchmark.
- Mailbox.calendars: `add`, `change`, `reschedule`, `delete`, `snooze`, `dismiss`, `create`; `events()`,
  `default`, `all`; `written` (bodies of POST and PATCH) and `attendees_written`; `mailbox.transaction_memory`.
- Application: `roles` (Entra), `only` (an access policy confines them), `scoped_roles` (RBAC for Applications).

Where Graph promises nothing the simulator gives nothing: delta without `$orderby` has no order, responses of a batch
come in any, ids of neighbours differ only in the case of a letter.
"""

from tests.servers.graph.server import GraphServer
from tests.servers.graph.tenant import Application, Federated, Group, Tenant, User

__all__ = ["Application", "Federated", "GraphServer", "Group", "Tenant", "User"]
