"""Which messages of a folder name an address, as far as the server's index knows.

Recipients are in no restriction of FindItem, so the index is asked by a query (QueryString, Advanced Query Syntax);
`participants` are those in To, Cc and Bcc. A server without an index for the mailbox declines.
"""

import re
from collections.abc import Sequence

from connectors.errors import Skippable
from connectors.exchange import shapes
from connectors.exchange.items import id_of
from connectors.exchange.reading import MOST_LISTED, folder_id, next_offset, root_of
from connectors.exchange.soap import Seat, code_of, only
from connectors.exchange.xml import children, m

AT_ONCE = 10
"""Addresses in one query, which may not become long."""
MOST_FOUND = 10_000
"""Messages looked for in one folder: whatever is not found has its turn later."""
_SEARCHABLE = re.compile(r"[A-Za-z0-9!#$%&'+/=?^_`{|}~.@-]{3,254}")
"""Addresses that a quoted phrase can hold, whatever else the syntax grows: no quotes, spaces, wildcards or brackets."""
_DECLINED = frozenset(
    (
        "ErrorContentIndexingNotEnabled", "ErrorQueryFilterTooLong", "ErrorUnsupportedQueryFilter",
        "ErrorUnsupportedCulture",
    )
)  # fmt: skip


def naming(seat: Seat, folder: str, addresses: Sequence[str]) -> frozenset[str]:
    """Ids of these. Raises Skippable where the server has no index, or none for this."""
    plain = [address for address in addresses if _SEARCHABLE.fullmatch(address)]
    found: set[str] = set()
    for start in range(0, len(plain), AT_ONCE):
        if len(found) < MOST_FOUND:
            found |= _asked(seat, folder, _query(plain[start : start + AT_ONCE]), MOST_FOUND - len(found))
    return frozenset(found)


def _query(addresses: Sequence[str]) -> str:
    return " OR ".join(f'{field}:"{address}"' for address in addresses for field in ("from", "participants"))


def _asked(seat: Seat, folder: str, query: str, most: int) -> set[str]:
    found: set[str] = set()
    offset: int | None = 0
    while offset is not None and len(found) < most:
        view = m("IndexedPageItemView", MaxEntriesReturned=str(MOST_LISTED), Offset=str(offset), BasePoint="Beginning")
        where, what = m("ParentFolderIds", folder_id(folder)), m("QueryString", query)
        messages = seat.ask(m("FindItem", shapes.ids_alone(), view, where, what, Traversal="Shallow"))
        if len(messages) == 1 and code_of(messages[0]) in _DECLINED:
            raise Skippable(f"the mail server does not search this folder ({code_of(messages[0])})")
        root = root_of(only(messages, folder=True))
        page = [id_of(item) for item in children(root, "Items")]
        found.update(page)
        offset = next_offset(root, offset, len(page))
    return found - {""}
