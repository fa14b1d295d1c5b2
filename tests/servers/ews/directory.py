"""Operations that ask the directory or the server itself: ResolveNames, ExpandDL, GetServerTimeZones,
GetUserOofSettings, ConvertId ([MS-OXWSRSLNM], [MS-OXWSEDL], [MS-OXWSGTZ], [MS-OXWOOF], [MS-OXWSCVTID]).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from tests.servers.ews import soap
from tests.servers.ews.calls import Call, find_box, operation
from tests.servers.ews.people import Person
from tests.servers.ews.soap import M, Node, Refusal, T, attributes, tag, text

_MOST_NAMES = 100  # a call of ResolveNames


@operation("ResolveNames")
def resolve_names(call: Call) -> str:
    """Who is meant by a name or an address. Several are a warning, none is an error."""
    wanted = call.element.findtext(f"{M}UnresolvedEntry") or ""
    full = call.element.get("ReturnFullContactData") in ("true", "1")
    found = call.world.directory.resolve(wanted)
    if not found:
        refusal = Refusal("ErrorNameResolutionNoResults", "No results were found.")
        return soap.answer(call.operation, [soap.failure(call.operation, refusal)])
    listed = "".join(_resolution(person, full) for person in found[:_MOST_NAMES])
    last = "true" if len(found) <= _MOST_NAMES else "false"
    inside = f"<m:ResolutionSet{attributes(TotalItemsInView=len(found), IncludesLastItemInRange=last)}>{listed}"
    inside += "</m:ResolutionSet>"
    if len(found) == 1:
        return soap.answer(call.operation, [soap.success(call.operation, inside)])
    several = "<m:MessageText>Multiple results were found.</m:MessageText>"
    several += "<m:ResponseCode>ErrorNameResolutionMultipleResults</m:ResponseCode>"
    several += "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
    message = tag(f"m:{call.operation}ResponseMessage", several + inside, ResponseClass="Warning")
    return soap.answer(call.operation, [message])


def _resolution(person: Person, full: bool) -> str:
    contact = ""
    if full:
        inside = text("t:DisplayName", person.name)
        inside += tag("t:EmailAddresses", text("t:Entry", f"SMTP:{person.address}", Key="EmailAddress1"))
        contact = tag("t:Contact", inside + text("t:ContactSource", "ActiveDirectory"))
    return tag("t:Resolution", _mailbox("t:Mailbox", person) + contact)


def _mailbox(element: str, person: Person) -> str:
    inside = text("t:Name", person.name) + text("t:EmailAddress", person.address) + text("t:RoutingType", "SMTP")
    return tag(element, inside + text("t:MailboxType", "PublicDL" if person.members else "Mailbox"))


@operation("ExpandDL")
def expand_dl(call: Call) -> str:
    """The members of a distribution list; lists among them are not expanded."""
    address = call.element.findtext(f"{M}Mailbox/{T}EmailAddress") or ""

    def one(_: Node) -> str:
        lists = [person for person in call.world.directory.resolve(address) if person.members]
        if not lists:
            raise Refusal("ErrorNameResolutionNoResults", "No results were found.")
        listed = "".join(_mailbox("t:Mailbox", _named(call, member)) for member in lists[0].members)
        counted = attributes(TotalItemsInView=len(lists[0].members), IncludesLastItemInRange="true")
        return f"<m:DLExpansion{counted}>{listed}</m:DLExpansion>"

    return call.each([None], one)


def _named(call: Call, address: str) -> Person:
    found = call.world.directory.resolve(address)
    return found[0] if found else Person(name=address, address=address)


@operation("GetUserOofSettingsRequest")
def get_user_oof_settings(call: Call) -> str:
    """Automatic replies of a mailbox. The answer has a shape of its own."""
    address = call.element.findtext(f"{T}Mailbox/{T}Address") or ""
    try:
        box = call.other(address)
    except Refusal as refusal:
        said = text("m:MessageText", refusal.text) + text("m:ResponseCode", refusal.code)
        return tag("m:GetUserOofSettingsResponse", tag("m:ResponseMessage", said, ResponseClass="Error"))
    settings = box.out_of_office
    inside = text("t:OofState", settings["state"]) + text("t:ExternalAudience", settings.get("audience", "All"))
    if "start" in settings:
        inside += tag("t:Duration", text("t:StartTime", settings["start"]) + text("t:EndTime", settings["end"]))
    for reply in ("InternalReply", "ExternalReply"):
        inside += tag(f"t:{reply}", text("t:Message", settings.get("message", "")))
    said = tag("m:ResponseMessage", "<m:ResponseCode>NoError</m:ResponseCode>", ResponseClass="Success")
    said += tag("t:OofSettings", inside) + "<m:AllowExternalOof>All</m:AllowExternalOof>"
    return tag("m:GetUserOofSettingsResponse", said)


@operation("ConvertId")
def convert_id(call: Call) -> str:
    """Ids in another format. Only what this server made can be read, and only as what it is."""

    def one(element: Node) -> str:
        identity, wanted = element.get("Id"), call.element.get("DestinationFormat")
        if find_box(call.world, element.get("Mailbox") or "") is None:
            raise Refusal("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        if identity not in call.world.items and identity not in call.world.folders:
            raise Refusal("ErrorInvalidIdMalformed", "Id is malformed.")
        return (
            f'<m:AlternateId xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="t:AlternateIdType"'
            f"{attributes(Format=wanted, Id=identity, Mailbox=element.get('Mailbox'))}/>"
        )

    return call.each(call.all("SourceIds"), one)


@operation("GetServerTimeZones")
def get_server_time_zones(call: Call) -> str:
    """Time zones by their Windows names; with full data the rules of this year."""
    asked = [element.text for element in call.all("Ids")] or sorted(set(win_tz))
    full = call.element.get("ReturnFullTimeZoneData") in ("true", "1")
    zones = "".join(_zone(name, full) for name in asked if name in win_tz)
    return call.each([None], lambda _: tag("m:TimeZoneDefinitions", zones))


def _zone(name: str, full: bool) -> str:
    if not full:
        return tag("t:TimeZoneDefinition", Id=name, Name=name)
    zone, year = ZoneInfo(win_tz[name]), datetime.now(UTC).year
    offsets = [datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7)]
    standard, summer = min(offsets), max(offsets)
    periods = tag("t:Period", Bias=_bias(standard), Name="Standard", Id="trule:Standard")
    rules = [("trule:Standard", _changeover(zone, year, standard))]
    if standard != summer:
        periods += tag("t:Period", Bias=_bias(summer), Name="Daylight", Id="trule:Daylight")
        rules.append(("trule:Daylight", _changeover(zone, year, summer)))
    inside = tag("t:Periods", periods) + tag("t:TransitionsGroups", _group(rules))
    first = tag("t:Transition", text("t:To", "0", Kind="Group"))
    return tag("t:TimeZoneDefinition", inside + tag("t:Transitions", first), Id=name, Name=name)


def _bias(offset: timedelta) -> str:
    """What is added to local time to get UTC, as a duration."""
    minutes = -int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else ''}PT{hours}H{rest}M"


def _changeover(zone: ZoneInfo, year: int, offset: timedelta) -> datetime | None:
    """The first day of the year from which an offset holds that did not hold before."""
    days = (datetime(year, 1, 1, 12, tzinfo=zone) + timedelta(days=number) for number in range(1, 365))
    changed = (d for d in days if d.utcoffset() == offset and (d - timedelta(days=1)).utcoffset() != offset)
    return next(changed, None)


def _group(rules: list[tuple[str, datetime | None]]) -> str:
    if len(rules) == 1:
        return tag("t:TransitionsGroup", tag("t:Transition", text("t:To", rules[0][0], Kind="Period")), Id="0")
    return tag("t:TransitionsGroup", "".join(_yearly(*rule) for rule in rules), Id="0")


def _yearly(period: str, day: datetime | None) -> str:
    when = day or datetime(2000, 1, 1, tzinfo=UTC)
    week = -1 if (when + timedelta(days=7)).month != when.month else (when.day - 1) // 7 + 1
    inside = text("t:To", period, Kind="Period") + text("t:TimeOffset", "PT2H") + text("t:Month", str(when.month))
    inside += text("t:DayOfWeek", when.strftime("%A")) + text("t:Occurrence", str(week))
    return tag("t:RecurringDayTransition", inside)
