"""An Exchange Server that speaks EWS, for tests: real HTTPS, real state, and no idea of who its clients are.

It follows Microsoft's published protocol ([MS-OXWSCORE] and its family, Exchange 15.2), so any client can use it. Where
Microsoft's schema files are at hand (see `schema.py`), every request and every answer is judged by them.

A test takes the fixture `ews` (one server a test process, reset for each test) and makes a mailbox of its own:

    box = ews.mailbox()                      # box.address, box.password; sign in at ews.url, trust ews.ca_file
    item = box.deliver(raw_message)          # octets of an RFC 5322 message; an ItemId
    moved = box.move(item, "deleteditems")   # whoever moves gets a new ItemId
    before = box.snapshot()                  # equal afterwards: nothing in the mailbox was changed
    ews.operations["SyncFolderItems"]        # requests by operation; ews.asked: who asked, as whom, with which anchor

- `EwsServer` (server.py): `mailbox`, `account` (impersonation, delegates), `person` (directory), `issue_token`,
  `expire_tokens`, `drop_streams`, `drop_connections`, `forget_subscriptions`, `emigrate`, `compress`, `violations`.
- `Mailbox` (owner.py): what people do to their mail, folders, calendars and automatic replies, and `snapshot`.
- `ews.faults` (faults.py): `refuse`, `busy`, `http`, `reset`, `lose_answer`, `lose_request`, `malformed`, `delay`,
  `before`, `rewrite`, each for some requests and so many times.
- `ews.doorman` (signin.py): `schemes` that are offered, `extended_protection`, `lockout`, `introspect` for tokens
  of somebody else; an account has `password`, `locked` and its rights, which a test may change at any time.
- `ews.world.pace`: how long a minute of a streaming connection lasts here; `ews.world.newest_first`: the order of a
  first listing; `ews.world.most_found`: things in a page of FindItem or FindFolder; `ews.world.merges`: an arrival that
  was changed before it was told is told as a change alone; `ews.exchange.fractional`: moments are sent with fractions
  of a second; `ews.exchange.limits`: concurrency, hanging connections, and the peak that was seen.

- `planner.py`: the meetings, series and contacts that an owner has (`box.meeting`, `box.contact`).

Not there: series that a client makes or changes, public folders, archives, search folders, AQS queries for anything but
people, pull and push notifications.
"""

from tests.servers.ews.exchange import Asked
from tests.servers.ews.owner import Mailbox, Seen
from tests.servers.ews.people import Person
from tests.servers.ews.server import EwsServer

__all__ = ["Asked", "EwsServer", "Mailbox", "Person", "Seen"]
