"""Reminder rules as a configuration writes them: `true` with the defaults, `false`, or a table of their settings.

A mailbox's table completes the organisation's, key by key.
"""

from collections.abc import Mapping
from ipaddress import ip_address

from config.form import Form, Key, read_table
from config.kinds import span, whole, working_days, yes_no
from config.model import AfterRule, Feed, Frozen, GoneQuiet, KeyDate, LateOrder, MeetingFollowUp, PromiseRule
from config.node import Node
from config.personal import collection_url
from config.reading import WRONG, Kind, Reading, Schema, Wrong, converted, name_of, text_of

LEAST_QUANTILE, MOST_QUANTILE = 0.5, 0.999


def _rule(model: type[Frozen], form: Form, example: str) -> Kind:
    """A rule with these settings; read as the model, or None where it is switched off."""

    def read(node: Node, reading: Reading) -> object:
        if isinstance(node.value, bool):
            return model() if node.value else None
        if not isinstance(node.value, dict):
            reading.note(node, "is no rule", f"write true, false or {example}" if example else "write true or false")
            return WRONG
        return model.model_validate(read_table(node, form, reading))

    return Kind(schema={"anyOf": [yes_no.schema, form.schema()]}, read=read)


def _spans(*, never: bool) -> Kind:
    """A table of spans by names of the firm's own; read as pairs. never: `false` may stand for a span."""
    off: list[Schema] = [{"enum": [False]}] if never else []
    each: Schema = {"anyOf": [span.schema, *off]}

    def read(node: Node, reading: Reading) -> object:
        if not isinstance(node.value, dict):
            reading.note(node, f"{name_of(node)} stands where a table belongs", 'write { name = "30d" }')
            return WRONG
        told = {name: _span_or_never(child, reading, never=never) for name, child in node.table().items()}
        return tuple((name, value) for name, value in told.items() if value is not WRONG)

    return Kind(schema={"type": "object", "additionalProperties": each}, read=read)


def _span_or_never(node: Node, reading: Reading, *, never: bool) -> object:
    return None if never and node.value is False else span.read(node, reading)


def _quantile(node: Node, reading: Reading) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise Wrong(f"{name_of(node)} stands where a share belongs", "write one such as 0.9")
    if not LEAST_QUANTILE <= node.value <= MOST_QUANTILE:
        raise Wrong(f"{node.value} is out of range", f"write a share from {LEAST_QUANTILE} to {MOST_QUANTILE}")
    return float(node.value)


def _meetings(node: Node, reading: Reading) -> object:
    """Whether, or from which other calendar of the account."""
    return collection_url.read(node, reading) if isinstance(node.value, str) else yes_no.read(node, reading)


def _host(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write an IP address such as "127.0.0.1"')
    try:
        return str(ip_address(value))
    except ValueError:
        raise Wrong(f'"{value}" is no IP address', 'write one such as "127.0.0.1"') from None


_ADDRESS = converted({"type": "string", "minLength": 2}, _host)
_FEED = Form(
    about="A calendar a person behind a secret link, for programs that can only subscribe; give it a proxy with TLS.",
    keys={
        "host": Key(kind=_ADDRESS, about="Address to listen on.", default="127.0.0.1"),
        "port": Key(kind=whole(1, 65535), about="Port to listen on.", default=8046),
        "url": Key(kind=collection_url, about="How people reach it: the address of the proxy."),
    },
)

_SHARE: Schema = {"type": "number", "minimum": LEAST_QUANTILE, "maximum": MOST_QUANTILE}
_AFTER = Form(
    about="A rule and how long it waits.",
    keys={"after": Key(kind=working_days, about="How long to wait.", default="3 working days")},
)
_GONE_QUIET = Form(
    about="How long nothing may happen.",
    keys={
        "after": Key(kind=span, about="Without mail, call or meeting.", default="90d"),
        "stages": Key(kind=_spans(never=True), about='By stage: { customer = "60d", lost = false }.'),
    },
)
_LATE_ORDER = Form(
    about="When a buyer counts as late.",
    keys={
        "quantile": Key(kind=converted(_SHARE, _quantile), about="Share of their gaps that are shorter.", default=0.9)
    },
)
_KEY_DATE = Form(
    about="Which dates, and how long before.",
    keys={
        "fields": Key(
            kind=_spans(never=False), about="Field of the contact and time before.", default={"birthday": "1d"}
        )
    },
)
_MEETING_FOLLOW_UP = Form(
    about="How long after a meeting.",
    keys={"after": Key(kind=span, about="Since its end.", default="24h")},
)
_AFTER_EXAMPLE = '{ after = "3 working days" }'

after_rule = _rule(AfterRule, _AFTER, _AFTER_EXAMPLE)

RULE_KEYS: Mapping[str, Key] = {
    "waiting_for_them": Key(kind=after_rule, about="We wrote last and the thread is open."),
    "waiting_for_us": Key(kind=after_rule, about="They wrote last, to us, and nobody answered."),
    "flagged": Key(kind=after_rule, about="A mail was flagged for follow-up."),
    "gone_quiet": Key(
        kind=_rule(GoneQuiet, _GONE_QUIET, '{ after = "90d" }'), about="Nothing happened with a contact for long."
    ),
    "late_order": Key(
        kind=_rule(LateOrder, _LATE_ORDER, "{ quantile = 0.9 }"), about="A buyer is late by their own rhythm."
    ),
    "key_date": Key(
        kind=_rule(KeyDate, _KEY_DATE, '{ fields = { birthday = "1d" } }'), about="A date of a contact draws near."
    ),
    "meeting_follow_up": Key(
        kind=_rule(MeetingFollowUp, _MEETING_FOLLOW_UP, '{ after = "24h" }'), about="Nobody wrote after a meeting."
    ),
    "promise": Key(
        kind=_rule(PromiseRule, Form(about="No settings.", keys={}), ""),
        about="Suggests a reminder where our own mail promises something by a day.",
    ),
}
"""The rules, by the name they have in the configuration."""

FEED = Key(
    kind=_rule(Feed, _FEED, '{ url = "https://…" }'), about="Whether `run` offers reminders as links to subscribe to."
)
MEETINGS = Key(
    kind=Kind(schema={"anyOf": [yes_no.schema, collection_url.schema]}, read=_meetings),
    about="Whether appointments with contacts are logged; or the URL of the calendar they stand in.",
    default=False,
)
