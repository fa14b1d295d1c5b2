"""One sentence for a salesperson: why a message was kept, was not, or waits. Called by `explain` and `review`."""

from collections.abc import Mapping, Sequence

from matchers.match import Reason
from matchers.reasons import CONTACT_WROTE

_SKIPPED: Mapping[str, str] = {
    Reason.ERASED: "Not kept: a person in it was erased.",
    Reason.REMOVED: "Not kept: it was taken out of the history on purpose.",
    Reason.DRAFT: "Not kept: it is a draft, not yet sent.",
    Reason.BEFORE_START: "Not kept: it is older than the day from which this mailbox is read.",
    Reason.PRIVATE: "Not kept: it is private.",
    Reason.NEVER_LOG: "Not kept: a rule of your firm says that mail with somebody in it is never kept.",
    Reason.INTERNAL_ONLY: "Not kept: it stayed inside the firm.",
    Reason.CALENDAR: "Not kept: it is an invitation or an answer to one.",
    Reason.RECEIPT: "Not kept: it only says that a mail was read or delivered.",
    Reason.NO_CONTACT: "Not kept: nobody in this mail is a contact.",
    Reason.BOUNCE: "Not kept: it only says that a mail could not be delivered.",
    Reason.AUTO_REPLY: "Not kept: a machine sent it, such as an out-of-office reply.",
    Reason.BULK: "Not kept: it was sent to many, like a newsletter or a mailing list.",
}

_LOGGED: Mapping[str, str] = {
    "address": "Kept because a contact takes part in it.",
    "name": "Kept because the full name of a contact stands beside an address of the contact's company.",
    "thread": "Kept because it belongs to a conversation with a contact.",
    "domain": "Kept because somebody in it is at a company you know.",
    "category": "Kept because its category asks for it.",
    "manual": "Kept because somebody of your team put it there.",
}

_REVIEW: Mapping[str, str] = {
    "shared-address": "Waits for you: several contacts have the same address. Say who is meant.",
    "thread": "Waits for you: its conversation has several contacts. Say who is meant.",
    "name": "Waits for you: the name is a contact's, the address is not. Say who is meant.",
    "forward": "Waits for you: one of you forwarded it, and a contact seems to have written it. Say who is meant.",
    "category": "Waits for you: its category asks to keep it, but nobody in it is a contact. Say who is meant.",
}

_OTHER: Mapping[str, str] = {
    "quarantined": "Not kept yet: it could not be read. It can be tried again.",
    "pending": "Not decided yet: it is still being fetched.",
    "unknown": "This message was never seen in a mailbox that is read.",
}


def sentence(outcome: str, reason: str | None, rule: str | None, evidence: Sequence[str] = ()) -> str:
    """outcome: logged, skipped, review, quarantined, pending or unknown; reason for a skip, rule for the others.

    The facts follow where the program knows them; those of a skip never name anybody.
    """
    return " ".join((_plain(outcome, reason or "", rule or ""), *_facts(outcome, evidence)))


def _plain(outcome: str, reason: str, rule: str) -> str:
    if outcome == "skipped":
        return _SKIPPED.get(reason, "Not kept.")
    if outcome == "logged":
        return _LOGGED.get(rule, "Kept.")
    if outcome == "review":
        return _REVIEW.get(rule, "Waits for you: say who is meant.")
    return _OTHER.get(outcome, _OTHER["unknown"])


def _facts(outcome: str, evidence: Sequence[str]) -> list[str]:
    if outcome in ("logged", "review", "quarantined"):
        return [fact.rstrip(".") + "." for fact in evidence[:2]]
    if CONTACT_WROTE in evidence:
        return ["A contact wrote it: if it matters, give it the category that keeps a mail."]
    return []
