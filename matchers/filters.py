"""Machine mail, told from headers alone: invitations, receipts, bounces, auto-replies, lists.

Called by `matchers.chain` for every message. A message is one of these at most, the first in that order, because
a bounce also says Auto-Submitted and an auto-reply often says Precedence: bulk. X-Auto-Response-Suppress is no
sign: Exchange puts it on ordinary mail. `late` adds what only the body shows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connectors.message import Envelope, Message
from matchers.address import LONGEST
from matchers.lists import ANSWERED_BY_ITSELF
from matchers.match import Reason

CROWD = 100
"""More participants than this is bulk, unless a contact wrote it."""

FILTER_HEADERS: Final = frozenset(
    {
        *("list-id", "list-unsubscribe", "precedence"),
        *("auto-submitted", "x-autoreply", "x-autorespond"),
        *("return-path", "content-type", "content-class", "x-ms-exchange-calendar-originator-id"),
        *("x-failed-recipients", "x-original-from"),
    }
)
"""The headers that decisions look at, for connectors to fetch; without one of them a decision may be less exact."""

_INVITATIONS = frozenset({"REQUEST", "REPLY", "CANCEL", "COUNTER", "DECLINECOUNTER", "REFRESH", "ADD"})
"""iTIP methods (RFC 5546) that stand for an invitation or an answer; PUBLISH only shows an event."""

_PARAMETER = re.compile(r";\s*(method|report-type)\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_RETURNED = re.compile(
    r"undeliver|delivery (status notification|has failed|failure)|returned mail|failure notice"
    r"|mail delivery (failed|sub)|unzustellbar|nicht zustellbar|non remis|no se puede entregar"
    r"|non recapitabile|onbestelbaar|não é possível entregar|não entregue|niedostarczon|nie można dostarczyć"
    r"|не удается доставить|недоставленн|kan ikke leveres|kan inte levereras|går inte att leverera|teslim edilemedi"
    r"|kézbesíthetetlen|nedoručiteln|无法送达|未送达|配信不能|配信できません|배달되지 않음",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    rf"(?:permanent |mdaemon \w+ -+ |e?-?mail |message )?(?:{_RETURNED.pattern}|delivery failed|could not be delivered)"
    r"\w*(?: (?:e?-?mail|message|nachricht|mail returned to sender))?\s*(?:$|[:：(（])",
    re.IGNORECASE,
)
"""The whole of what a server writes over returned mail, up to the subject of that; people go on in their own words."""

_SERVER = re.compile(
    r"\b(?:post ?master|e?-?mail|mailer|delivery|(?:sub)?system|m?daemon|server|gateway|administrator|outlook"
    r"|exchange)\b",
    re.IGNORECASE,
)
"""A word in the name beside a postmaster's address that no person bears."""

_DELIVERED = re.compile(
    r"successful mail delivery report|delivery status notification \((success|relay)"
    r"|(delivered|relayed|zugestellt|übermittelt):",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delayed mail|delivery (status notification \()?delay|warning: (could not|message .* delayed)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sign:
    """What a message turned out to be, and the fact that shows it. final: a bounce after which nobody tries again."""

    reason: Reason
    evidence: str
    final: bool = True


def sign_of(envelope: Envelope) -> Sign | None:
    """What kind of machine mail this is, or None. First that applies: calendar, receipt, bounce, auto-reply, bulk."""
    headers = envelope.headers
    if _plain(headers) and not _sender_is(envelope, _DAEMONS) and not _answers_by_itself(envelope.subject):
        return None
    for test in (_calendar, _report, _bounce, _auto_reply, _bulk):
        if sign := test(envelope, headers):
            return sign
    return None


_TELLING = FILTER_HEADERS - {"content-type", "return-path", "x-original-from"}


def _plain(headers: Mapping[str, str]) -> bool:
    """The short way for most mail: no header that only machines set, an ordinary type, a sender to return to."""
    if not _TELLING.isdisjoint(headers) or null_return_path(headers):
        return False
    return not headers.get("content-type", "")[:64].strip().lower().startswith(("multipart/report", "text/calendar"))


def _parameters(content_type: str) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in _PARAMETER.findall(content_type[:2000])}


def _calendar(_: Envelope, headers: Mapping[str, str]) -> Sign | None:
    if headers.get("content-class", "").strip().lower() == "urn:content-classes:calendarmessage":
        return Sign(reason=Reason.CALENDAR, evidence="Content-Class says it is a calendar message")
    if "x-ms-exchange-calendar-originator-id" in headers:
        return Sign(reason=Reason.CALENDAR, evidence="Exchange marks it as a calendar message")
    content_type = headers.get("content-type", "")
    if content_type.strip().lower().startswith("text/calendar"):
        method = _parameters(content_type).get("method", "request").upper()
        if method in _INVITATIONS:
            return Sign(reason=Reason.CALENDAR, evidence=f"Content-Type says it is a calendar {method.lower()}")
    return None


def _report(envelope: Envelope, headers: Mapping[str, str]) -> Sign | None:
    kind = _report_type(headers)
    if kind == "disposition-notification":
        return Sign(reason=Reason.RECEIPT, evidence="Content-Type says it is a read receipt")
    if kind == "delivery-status":
        return _delivery(envelope.subject, "Content-Type says it is a delivery report")
    return None


def _report_type(headers: Mapping[str, str]) -> str:
    content_type = headers.get("content-type", "")
    if not content_type.strip().lower().startswith("multipart/report"):
        return ""
    return _parameters(content_type).get("report-type", "unknown")


def _delivery(subject: str, evidence: str) -> Sign:
    """A delivery report is a receipt when it says delivered, and no last word when it says delayed."""
    start = subject[:200]
    if _DELIVERED.match(start.strip()):
        return Sign(reason=Reason.RECEIPT, evidence=f"{evidence}, of a delivery that worked")
    if _DELAYED.search(start):
        return Sign(reason=Reason.BOUNCE, evidence=f"{evidence}, of a delay", final=False)
    return Sign(reason=Reason.BOUNCE, evidence=evidence)


def _sender_is(envelope: Envelope, names: tuple[str, ...]) -> bool:
    """Whether an address begins so; old servers leave the address out, and their name stands for it."""
    return any(
        (author.address or f"{author.name}@")[:LONGEST].lstrip("<\"' ").lower().startswith(names)
        for author in envelope.from_
    )


_MAILER_DAEMONS = ("mailer-daemon@", "mailerdaemon@", "mail delivery subsystem@", "mail delivery system@")
_POSTMASTERS = ("postmaster@", "mdaemon@")
_DAEMONS = (*_MAILER_DAEMONS, *_POSTMASTERS)


def null_return_path(headers: Mapping[str, str]) -> bool:
    """Whether the Return-Path is there and empty: what RFC 5321 (4.5.5) reserves for notifications."""
    return "return-path" in headers and not headers["return-path"].strip("<> \t")


def _bounce(envelope: Envelope, headers: Mapping[str, str]) -> Sign | None:
    """By its sender alone if that is MAILER-DAEMON; else it must look like one and come from a machine."""
    if _sender_is(envelope, _MAILER_DAEMONS):
        return _delivery(envelope.subject, "MAILER-DAEMON sent it")
    if _sender_is(envelope, _POSTMASTERS) and _is_returned_mail(envelope):
        return _delivery(envelope.subject, "A postmaster sent it and the subject speaks of returned mail")
    machine = null_return_path(headers) or _auto_submitted(headers) or bool(_report_type(headers))
    if not machine:
        return None
    if _sender_is(envelope, ("postmaster@",)):
        return _delivery(envelope.subject, "A postmaster's machine sent it")
    if "x-failed-recipients" in headers:
        return _delivery(envelope.subject, "X-Failed-Recipients is set")
    if null_return_path(headers) and _RETURNED.search(envelope.subject[:200]):
        return _delivery(envelope.subject, "Return-Path is empty and the subject speaks of returned mail")
    return None


def _is_returned_mail(envelope: Envelope) -> bool:
    """Whether a postmaster's mail is a bounce whose marks a gateway dropped (or MDaemon never set): in the words of
    servers, beside no person's name, to one mailbox, in answer to nothing. A postmaster who writes himself is mail."""
    answers = envelope.references or envelope.in_reply_to
    if answers or envelope.cc or envelope.bcc or len(envelope.to) > 1:
        return False
    by_server = all(not author.name or _SERVER.search(author.name[:LONGEST]) for author in envelope.from_)
    return by_server and _FORMULA.match(envelope.subject[:200].strip()) is not None


def _auto_submitted(headers: Mapping[str, str]) -> bool:
    value = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    return value not in ("", "no")


_BEGINNINGS = frozenset(words[:3] for words in ANSWERED_BY_ITSELF)


_DOMINO = re.compile(r"AUTO: .{1,150} (?:is out of the office|ist außer Haus)\b")
"""What HCL Domino writes over an absence; it sets no header that says so."""


def _answers_by_itself(subject: str) -> bool:
    if subject[:3].lower() not in _BEGINNINGS:
        return False
    if _DOMINO.match(subject):
        return True
    start = subject[:40].lower()
    if not start.startswith(ANSWERED_BY_ITSELF):
        return False
    words = next(words for words in ANSWERED_BY_ITSELF if start.startswith(words))
    return start[len(words) :].lstrip()[:1] in (":", "：")


def _auto_reply(envelope: Envelope, headers: Mapping[str, str]) -> Sign | None:
    if _auto_submitted(headers):
        return Sign(reason=Reason.AUTO_REPLY, evidence="Auto-Submitted says a machine sent it")
    for name in ("x-autoreply", "x-autorespond"):
        if headers.get(name, "no").strip().lower() not in ("", "no"):
            return Sign(reason=Reason.AUTO_REPLY, evidence=f"{name.title()} is set")
    if headers.get("precedence", "").strip().lower() in ("auto_reply", "auto-reply"):
        return Sign(reason=Reason.AUTO_REPLY, evidence="Precedence says it is an automatic reply")
    if null_return_path(headers):
        return Sign(reason=Reason.AUTO_REPLY, evidence="Return-Path is empty, as machines send")
    if _answers_by_itself(envelope.subject):
        return Sign(reason=Reason.AUTO_REPLY, evidence="Its subject is what a server writes over an automatic reply")
    return None


def list_sign(headers: Mapping[str, str]) -> Sign | None:
    """Mail of a list, by the headers that only lists set. Precedence says less: automatic replies set it too."""
    for name, shown in (("list-id", "List-Id"), ("list-unsubscribe", "List-Unsubscribe")):
        if name in headers:
            return Sign(reason=Reason.BULK, evidence=f"{shown} is set")
    return None


def _bulk(_: Envelope, headers: Mapping[str, str]) -> Sign | None:
    precedence = headers.get("precedence", "").strip().lower()
    if precedence in ("bulk", "list", "junk"):
        return Sign(reason=Reason.BULK, evidence=f"Precedence is {precedence}")
    return list_sign(headers)


def late(message: Message, subject: str = "") -> Sign | None:
    """What only the body told: an invitation inside a multipart, a report whose header did not say so."""
    if message.calendar_method and message.calendar_method.upper() in _INVITATIONS:
        return Sign(reason=Reason.CALENDAR, evidence="It holds an invitation or an answer to one")
    if message.report == "disposition-notification":
        return Sign(reason=Reason.RECEIPT, evidence="It holds a read receipt")
    if message.report == "delivery-status":
        return _delivery(subject, "It holds a delivery report")
    return None
