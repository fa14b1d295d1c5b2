"""Messages of a folder that name an address: `$search` by participants, which Exchange answers from its index.

"Use the $search query parameter": `participants` are from, to, cc and bcc; an answer lists 1,000 messages at most, and
takes neither `$filter` nor `$orderby`. So each address is asked for by itself, twenty a request.
"""

import re
from collections.abc import Sequence

from connectors.graph.client import GraphClient, Part, Query, segment, with_query
from connectors.graph.faults import Absent, Refused
from connectors.graph.view import entries_of
from connectors.message import Folder

MOST_FOUND = 1_000
"""Messages that an answer to a search lists at most."""
_PAGE = 250
_SEARCHABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,100}@[A-Za-z0-9][A-Za-z0-9.-]{1,200}")
"""What means itself in a query: no quotes, wildcards, brackets or blanks."""


def naming(client: GraphClient, folder: Folder, addresses: Sequence[str]) -> frozenset[str]:
    """Ids of messages in which one of these takes part, as far as the index has them. Raises ConnectorError."""
    asked = [one for one in dict.fromkeys(addresses) if _SEARCHABLE.fullmatch(one)]
    found: set[str] = set()
    links = [_first(client, folder, address) for address in asked]
    for _ in range(MOST_FOUND // _PAGE):
        replies = client.batch([Part(id=str(number), path=link) for number, link in enumerate(links)])
        links = []
        for reply in replies.values():
            if not reply.ok and not isinstance(fault := client.fault(reply), Absent | Refused):
                raise fault
            answer = reply.body if reply.ok and isinstance(reply.body, dict) else {}
            found |= {str(entry["id"]) for entry in entries_of(answer)}
            if link := answer.get("@odata.nextLink"):
                links.append(str(link))
    return frozenset(found)


def _first(client: GraphClient, folder: Folder, address: str) -> str:
    query: Query = {"$search": f'"participants:{address}"', "$select": "id", "$top": _PAGE}
    return with_query(f"{client.user}/mailFolders/{segment(folder.key)}/messages", query)
