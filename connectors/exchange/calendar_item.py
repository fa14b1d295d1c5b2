"""A reminder as a calendar item of Exchange: written free, private, with an alarm, naming nobody; read back. Pure.

Wall times travel as UTC with a Windows zone beside them. Several IANA zones share one of those (Vienna and Berlin), so
the name that was meant stands in a property of ours, and counts for as long as the zone is the same.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win

from connectors.event import YEARS, CalendarEvent, FoundEvent
from connectors.exchange import shapes
from connectors.exchange.items import change_key, id_of
from connectors.exchange.xml import TYPES, Element, children, find, moment, t, text
from connectors.ical import DESCRIPTION_LIMIT, TITLE_LIMIT, means_done
from connectors.mime.charsets import clean_body, clean_line
from connectors.own_property import PROPERTY_NAME, PROPERTY_SET, ZONE_NAME, reminder_of
from connectors.zones import iana_name, is_zone

_FIELDS = (
    "item:Subject", "item:Body", "item:Categories", "calendar:Start", "calendar:IsAllDayEvent", "calendar:IsMeeting",
    "calendar:IsCancelled", "calendar:StartTimeZone", "calendar:RequiredAttendees", "calendar:OptionalAttendees",
    "calendar:Resources",
)  # fmt: skip
_PEOPLE = ("RequiredAttendees", "OptionalAttendees", "Resources")


def own(name: str = PROPERTY_NAME) -> Element:
    """The path to a property of ours."""
    return t("ExtendedFieldURI", PropertySetId=PROPERTY_SET, PropertyName=name, PropertyType="String")


def shape() -> Element:
    return shapes.shape([*map(shapes.field, _FIELDS), own(), own(ZONE_NAME)])


def is_ours(uid: str) -> Element:
    """The condition that an item carries our property with this value."""
    constant = t("Constant", Value=uid)
    return t("IsEqualTo", own(), t("FieldURIOrConstant", constant))


def carries_mark() -> Element:
    """The condition that an item carries our property at all."""
    return t("Exists", own())


def compose(event: CalendarEvent) -> Element:
    """A new item, in the order of the schema."""
    start, end, zone = _times(event)
    names = [t("String", clean_line(name)) for name in event.categories]
    return t(
        "CalendarItem",
        t("Subject", _title(event)),
        t("Sensitivity", "Private"),
        t("Body", _description(event), BodyType="Text"),
        t("Categories", *names) if names else None,
        t("ReminderIsSet", "true"),
        t("ReminderMinutesBeforeStart", str(event.alarm_minutes)),
        _property(PROPERTY_NAME, event.uid),
        _property(ZONE_NAME, event.timezone),
        t("Start", start),
        t("End", end),
        t("IsAllDayEvent", "false"),
        t("LegacyFreeBusyStatus", "Free"),
        t("StartTimeZone", Id=zone),
        t("EndTimeZone", Id=zone),
    )


def revise(event: CalendarEvent, standing: FoundEvent) -> list[Element]:
    """The changes that give an item our words and our time anew; all that the user added to it stays.

    The length that the user gave an item, and an alarm that was answered, stay while its start does.
    """
    changes = [
        _set(shapes.field("item:Subject"), t("Subject", _title(event))),
        _set(shapes.field("item:Body"), t("Body", _description(event), BodyType="Text")),
    ]
    if (standing.start, standing.timezone) == (event.start, event.timezone):
        return changes
    start, end, zone = _times(event)
    return [
        *changes,
        _set(shapes.field("item:ReminderIsSet"), t("ReminderIsSet", "true")),
        _set(
            shapes.field("item:ReminderMinutesBeforeStart"),
            t("ReminderMinutesBeforeStart", str(event.alarm_minutes)),
        ),
        _set(own(ZONE_NAME), _property(ZONE_NAME, event.timezone)),
        _set(shapes.field("calendar:Start"), t("Start", start)),
        _set(shapes.field("calendar:End"), t("End", end)),
        _set(shapes.field("calendar:IsAllDayEvent"), t("IsAllDayEvent", "false")),
        _set(shapes.field("calendar:StartTimeZone"), t("StartTimeZone", Id=zone)),
        _set(shapes.field("calendar:EndTimeZone"), t("EndTimeZone", Id=zone)),
    ]


def _set(path: Element, value: Element) -> Element:
    return t("SetItemField", path, t("CalendarItem", value))


def _property(name: str, value: str) -> Element:
    return t("ExtendedProperty", own(name), t("Value", value))


def _title(event: CalendarEvent) -> str:
    return clean_line(event.title[:TITLE_LIMIT])


def _description(event: CalendarEvent) -> str:
    return clean_body(event.description[:DESCRIPTION_LIMIT])


def _times(event: CalendarEvent) -> tuple[str, str, str]:
    """(start, end, Windows zone). A zone that Windows does not know is told as UTC: the instant is right."""
    start = event.start.replace(tzinfo=ZoneInfo(event.timezone)).astimezone(UTC)
    end = start + timedelta(minutes=event.duration_minutes)
    return _stamp(start), _stamp(end), tz_win.get(event.timezone, "UTC")


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def read(item: Element) -> FoundEvent | None:
    """What stands there, if it is ours and can be read. One with people in it, or cancelled, is its owner's."""
    uid = value_of(item)
    start = moment(text(item, "Start"))
    if not uid or start is None or start.year not in YEARS or _is_theirs(item):
        return None
    when, zone = _wall(item, start)
    title = clean_line(text(item, "Subject"))[:TITLE_LIMIT]
    categories = tuple(name.text or "" for name in children(item, "Categories"))
    return FoundEvent(
        uid=uid,
        reminder=reminder_of(uid),
        title=title,
        description=clean_body(text(item, "Body"))[:DESCRIPTION_LIMIT],
        start=when,
        timezone=zone,
        etag=change_key(item),
        href=id_of(item),
        done=means_done(title, categories),
    )


def value_of(item: Element, name: str = PROPERTY_NAME) -> str:
    """The value of a property of ours, '' without one."""
    for one in item.iterfind(TYPES + "ExtendedProperty"):
        uri = find(one, "ExtendedFieldURI")
        if uri is None or uri.get("PropertyName") != name:
            continue
        if uri.get("PropertySetId", "").strip("{}").lower() == PROPERTY_SET:
            return text(one, "Value").strip()
    return ""


def _is_theirs(item: Element) -> bool:
    invited = any(True for field in _PEOPLE for _ in children(item, field))
    return invited or "true" in (text(item, "IsMeeting"), text(item, "IsCancelled"))


def _wall(item: Element, start: datetime) -> tuple[datetime | date, str]:
    """Wall time and IANA zone; a date and '' for a whole day."""
    zone = _zone(item)
    local = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if text(item, "IsAllDayEvent") == "true":
        return local.date(), ""
    return local, zone


def _zone(item: Element) -> str:
    """The zone we wrote while Windows' zone is still that one, else the one that Windows' name stands for."""
    found = find(item, "StartTimeZone")
    windows = "" if found is None else found.get("Id", "")
    ours = value_of(item, ZONE_NAME)
    if ours and is_zone(ours) and tz_win.get(ours, "UTC") == (windows or "UTC"):
        return ours
    return iana_name(windows) or "UTC"
