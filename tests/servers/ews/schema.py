"""Microsoft's own schemas (types.xsd and messages.xsd), where they are at hand, judge every request and every answer.

They are looked for in the folder that EWS_SCHEMAS names, else in `../shared/schemas/ews` beside the checkout. Nothing
of them is part of this project; without them nothing is judged, and the tests that need it are skipped.
"""

import os
import threading
from pathlib import Path

from lxml import etree

from tests.servers.ews.soap import M, Node, S, T, children, local

_XML_NAMESPACE = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/XML/1998/namespace">'
    '<xs:attribute name="lang" type="xs:language"/></xs:schema>'
)

# Servers put these into the namespace of messages (Microsoft's example of GetStreamingEvents shows it), the schema into
# the one of types. Clients look for what is sent.
_AS_SENT = (f"{M}Notifications/{M}Notification", f"{M}ErrorSubscriptionIds/{M}SubscriptionId")


def folder() -> Path | None:
    """Where the schemas lie; None if they are not at hand."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "ews"
    found = Path(os.environ["EWS_SCHEMAS"]) if "EWS_SCHEMAS" in os.environ else beside
    return found if (found / "messages.xsd").exists() else None


class _Loader(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Files by their lower-case names; types.xsd as `completed` here; and the namespace of `xml:lang`."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self.completed = b""

    def resolve(self, url: str | None, public: str | None, context: object) -> Node:
        """See lxml."""
        name = Path(url or "").name.lower()
        if name == "xml.xsd":
            return self.resolve_string(_XML_NAMESPACE, context)
        if name == "types.xsd" and self.completed:
            return self.resolve_string(self.completed, context)
        return self.resolve_filename(str(self._home / name), context)


class Schema:
    """Judges bodies of envelopes. Threads take turns: lxml keeps the errors in the schema itself."""

    def __init__(self, home: Path) -> None:
        parser, loader = etree.XMLParser(no_network=True), _Loader(home)
        parser.resolvers.add(loader)
        # types.xsd imports the namespace of xml:lang without saying from where.
        types = etree.parse(str(home / "types.xsd"), parser).getroot()
        for imported in types.findall("{http://www.w3.org/2001/XMLSchema}import"):
            if imported.get("schemaLocation") is None:
                imported.set("schemaLocation", "xml.xsd")
        loader.completed = etree.tostring(types)
        self._schema = etree.XMLSchema(etree.parse(str(home / "messages.xsd"), parser))
        self._lock = threading.Lock()

    def violations(self, envelope: Node) -> list[str]:
        """What is wrong with what header and body hold; what is not Exchange's own (faults) is not judged."""
        parts = [part for holder in envelope.iterchildren(f"{S}Header", f"{S}Body") for part in children(holder)]
        return [wrong for part in parts if part.tag.startswith((T, M)) for wrong in self._judge(part)]

    def _judge(self, content: Node) -> list[str]:
        alone = etree.fromstring(etree.tostring(content))
        for path in _AS_SENT:
            for element in alone.iterfind(f".//{path}"):
                element.tag = T + local(element)
        with self._lock:
            if self._schema.validate(alone):
                return []
            return [f"{error.line}: {error.message}" for error in self._schema.error_log][:5]
