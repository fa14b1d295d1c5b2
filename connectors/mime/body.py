"""Whole messages, or single text parts, → text and the list of attachments.

Which parts are the text: `text/plain` and `text/html` that are no attachments and have no name (where there is but one
part, it may have one); of the forms of an alternative the plainest that says anything. Everything else is attached, but
the signature of a signed message.
"""

import re

from connectors.message import TEXT_LIMIT, Attachment, Message
from connectors.mime.charsets import clean_body, decode_bytes
from connectors.mime.fields import single_ends
from connectors.mime.html import HTML_LIMIT, html_to_text
from connectors.mime.structure import Part, read_tree
from connectors.mime.transfer import decode_transfer, decoded_size

MOST_TEXTS = 8
"""Text parts that make up one message: mail programs split a text around pictures."""
MOST_ATTACHMENTS = 200
_ENCRYPTED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))
_LARGEST = {"text/html": 2 * HTML_LIMIT}
_LARGEST_PLAIN = 4 * TEXT_LIMIT
"""Octets of one part that are decoded, three times as many where they are encoded: a character has up to four."""
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_PGP = re.compile(r"^-----BEGIN PGP MESSAGE-----$.*?(?:^-----END PGP MESSAGE-----$|\Z)", re.MULTILINE | re.DOTALL)


def read_message(raw: bytes, *, id: str, truncated: bool = False) -> Message:
    """What stands below the header of a whole message. truncated: `raw` is only its beginning. Never raises."""
    raw = single_ends(raw)
    root, defects = read_tree(raw, truncated=truncated)
    plan = _Plan()
    plan.walk(root)
    texts, cut = _read_texts(raw, plan, defects, truncated)
    whole, pgp = _without_pgp("\n".join(texts))
    if plan.encrypted or pgp:
        defects.append("encrypted")
    if any(part.type == "application/ms-tnef" for part in plan.attached):
        defects.append("tnef")
    return Message(
        id=id,
        text=whole[:TEXT_LIMIT],
        attachments=tuple(_attachment(raw, part) for part in plan.attached[:MOST_ATTACHMENTS]),
        truncated=truncated or cut or len(whole) > TEXT_LIMIT,
        encrypted=plan.encrypted or pgp,
        calendar_method=plan.calendar_method,
        report=_report(root),
        defects=tuple(dict.fromkeys(defects)),
    )


def decode_text(
    payload: bytes, *, media_type: str, charset: str | None, encoding: str | None
) -> tuple[str, tuple[str, ...]]:
    """(text, defects) of one text part, still transfer-encoded. Not cut to TEXT_LIMIT. Never raises."""
    octets, bad_transfer = decode_transfer(payload, encoding or "")
    if media_type == "text/html":
        text, bad_charset = decode_bytes(octets, charset or _declared_charset(octets))
        long = "long-html" if len(text) > HTML_LIMIT else None
        text = clean_body(html_to_text(text))
    else:
        long = None
        text, bad_charset = decode_bytes(octets, charset)
        text = clean_body(text)
    return text.strip(), tuple(defect for defect in (bad_transfer, bad_charset, long) if defect)


def _declared_charset(html: bytes) -> str | None:
    found = _META_CHARSET.search(html[:2048])
    return found[1].decode("ascii") if found else None


class _Plan:
    """The parts sorted: texts in order, attachments, what the message is."""

    def __init__(self) -> None:
        self.texts: list[list[list[Part]]] = []
        self.attached: list[Part] = []
        self.encrypted = False
        self.calendar_method: str | None = None

    def walk(self, part: Part) -> None:
        """Depth is bounded by the tree."""
        forms = self._forms(part)
        self.texts += forms

    def _forms(self, part: Part) -> list[list[list[Part]]]:
        """The text slots below a part; a slot is the list of its forms, a form the parts it consists of."""
        if part.type in _ENCRYPTED:
            self.encrypted = True
            return []
        if part.type == "text/calendar" and part.parameters.get("method"):
            self.calendar_method = self.calendar_method or part.parameters["method"].upper()[:20]
        if part.type == "multipart/alternative" and part.children:
            slots = [self._forms(child) for child in part.children]
            forms = [[leaf for slot in form for leaf in slot[0]] for form in slots if form]
            return [sorted(forms, key=_is_html)] if forms else []
        if part.children:
            children = part.children[:1] if part.type == "multipart/signed" else part.children
            return [slot for child in children for slot in self._forms(child)]
        if _is_text(part):
            return [[[part]]]
        if not part.type.startswith("multipart/"):
            self.attached.append(part)
        return []


def _is_html(form: list[Part]) -> bool:
    return any(part.type == "text/html" for part in form)


def _is_text(part: Part) -> bool:
    shown = part.type in ("text/plain", "text/html") and part.disposition != "attachment"
    return shown and (not part.filename or part.depth == 0)


def _read_texts(raw: bytes, plan: _Plan, defects: list[str], truncated: bool) -> tuple[list[str], bool]:
    """(the texts, whether one was cut). A form that says nothing gives way to the next."""
    texts: list[str] = []
    cut = False
    for slot in plan.texts[:MOST_TEXTS]:
        for form in slot:
            read = [_read_text(raw, part, defects, truncated) for part in form[:MOST_TEXTS]]
            if any(text for text, _ in read):
                texts += [text for text, _ in read if text]
                cut = cut or any(was_cut for _, was_cut in read)
                break
    return texts, cut


def _read_text(raw: bytes, part: Part, defects: list[str], truncated: bool) -> tuple[str, bool]:
    """(text, whether it was cut). What is wrong at the end of a cut part is no defect of the message."""
    largest = _LARGEST.get(part.type, _LARGEST_PLAIN)
    largest = largest if part.encoding in ("", "7bit", "8bit", "binary") else largest * 3
    cut = part.end - part.start > largest or (truncated and part.end == len(raw))
    text, found = decode_text(
        raw[part.start : min(part.end, part.start + largest)],
        media_type=part.type,
        charset=part.parameters.get("charset"),
        encoding=part.encoding,
    )
    defects += [] if cut else found
    return text, cut or "long-html" in found


def _without_pgp(text: str) -> tuple[str, bool]:
    """Text without inline PGP armour (RFC 9580 section 6.2), and whether there was some."""
    if "-----BEGIN PGP MESSAGE-----" not in text:
        return text, False
    rest, count = _PGP.subn("", text)
    return rest.strip(), count > 0


def _attachment(raw: bytes, part: Part) -> Attachment:
    size = decoded_size(raw, part.start, part.end, part.encoding)
    return Attachment(name=part.filename, type=part.type, size=max(0, size))


def _report(root: Part) -> str | None:
    if root.type != "multipart/report":
        return None
    return root.parameters.get("report-type", "").lower()[:60] or None
