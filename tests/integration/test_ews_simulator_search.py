"""FindItem and folders on the EWS server of the lab: restrictions, order, pages, days, and what changed."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from exchangelib import UTC as ZULU
from exchangelib import CalendarItem, EWSDateTime, ExtendedProperty, Message
from lxml import etree

from tests.integration.ews_client import (
    TYPES,
    Soap,
    exchangelib_account,
    extended,
    field,
    find_item,
    get_folder,
    message,
    sync_items,
)
from tests.servers.ews import EwsServer, Mailbox
from tests.servers.ews.soap import Node

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VIEW = '<m:IndexedPageItemView MaxEntriesReturned="{most}" Offset="{offset}" BasePoint="Beginning"/>'
OLDEST_FIRST = (
    '<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder>'
    "</m:SortOrder>"
)


def restriction(inside: str) -> str:
    """A Restriction element."""
    return f"<m:Restriction>{inside}</m:Restriction>"


def compared(name: str, path: str, value: str) -> str:
    """A comparison with a constant."""
    constant = f'<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant>'
    return f"<t:{name}>{path}{constant}</t:{name}>"


def test_pages_follow_each_other_to_the_end(ews: EwsServer) -> None:
    box = ews.mailbox()
    ids = [box.deliver(message(n), received=MORNING + timedelta(minutes=n)) for n in range(5)]
    client, found, offset = Soap.of(ews, box), [], 0
    for last in ("false", "false", "true"):
        answer = client.ask(find_item(OLDEST_FIRST, before=VIEW.format(most=2, offset=offset)))
        (root,) = answer.all("//m:RootFolder")
        assert (root.get("IncludesLastItemInRange"), root.get("TotalItemsInView")) == (last, "5")
        offset = root.get("IndexedPagingOffset")
        found += answer.ids
    assert found == ids


def test_a_page_holds_a_thousand_at_most(ews: EwsServer) -> None:
    box = ews.mailbox()
    for number in range(1001):
        box.deliver(b"Subject: %d\r\n\r\n" % number)
    answer = Soap.of(ews, box).ask(find_item(before=VIEW.format(most=5000, offset=0)))
    assert len(answer.ids) == 1000
    assert answer.all("//m:RootFolder")[0].get("IncludesLastItemInRange") == "false"


def test_a_call_of_synchronisation_brings_512_changes_at_most(ews: EwsServer) -> None:
    box = ews.mailbox()
    for number in range(513):
        box.deliver(b"Subject: %d\r\n\r\n" % number)
    client = Soap.of(ews, box)
    first = client.ask(sync_items())
    rest = client.ask(sync_items(first.text("//m:SyncState")))
    assert (len(first.ids), len(rest.ids)) == (512, 1)


def test_what_happens_during_a_first_listing_is_told_after_it(ews: EwsServer) -> None:
    """Mail that comes, changes or goes between pages is neither lost nor mistaken for what was there."""
    box = ews.mailbox()
    ids = [box.deliver(message(number)) for number in range(4)]
    client = Soap.of(ews, box)
    first = client.ask(sync_items(most=2))
    assert first.ids == [ids[3], ids[2]]
    box.delete(ids[0])
    box.categorise(ids[3], "Blue")
    new = box.deliver(message(9))
    second = client.ask(sync_items(first.text("//m:SyncState")))
    told = [(element.tag.rpartition("}")[2], element[0]) for element in second.all("//m:Changes/*")]
    kinds = [(kind, inside.get("Id") or inside[0].get("Id")) for kind, inside in told]
    assert kinds == [("Create", ids[1]), ("Delete", ids[0]), ("Update", ids[3]), ("Create", new)]


@pytest.mark.parametrize("seed", range(6))
def test_who_follows_the_changes_sees_what_the_owner_sees(ews: EwsServer, seed: int) -> None:
    """Whatever happens between pages of whatever size: ids, read flags and categories end up the same."""
    ews.world.newest_first = seed % 2 == 0
    chance, box = random.Random(seed), ews.mailbox()  # noqa: S311  # repeatable, not secret
    client, known, state, last = Soap.of(ews, box), dict[str, tuple[str, str]](), None, ""
    for turn in range(40):
        for _ in range(chance.randrange(4) if turn < 30 else 0):
            act_by_chance(chance, box)
        more = field("message:IsRead", "item:Categories")
        answer = client.ask(sync_items(state, most=chance.randrange(1, 6), more=more))
        state, last = answer.text("//m:SyncState"), answer.text("//m:IncludesLastItemInRange")
        for change in answer.all("//m:Changes/*"):
            follow(known, change)
    assert last == "true"
    assert known == {seen.id: (seen["IsRead"], seen["Categories"]) for seen in box.items()}


def act_by_chance(chance: random.Random, box: Mailbox) -> None:
    """Something that an owner may do."""
    ids = [seen.id for seen in box.items()]
    if not ids or chance.random() < 0.5:
        box.deliver(b"Subject: x\r\n\r\n")
        return
    item = chance.choice(ids)
    action = chance.randrange(6)
    if action < 2:
        box.mark_read(item, bool(action))
    elif action == 2:
        box.categorise(item, chance.choice("ab"))
    elif action == 3:
        box.delete(item)
    elif action == 4:
        box.move(box.move(item, "drafts"), "inbox")
    else:
        box.copy(item, "inbox")


def follow(known: dict[str, tuple[str, str]], change: Node) -> None:
    """What a client makes of one change."""
    identity = change.find(f".//{{{TYPES}}}ItemId").get("Id")
    read = change.findtext(f".//{{{TYPES}}}IsRead") or ""
    categories = "".join(element.text for element in change.iter(f"{{{TYPES}}}String"))
    kind = etree.QName(change).localname
    if kind == "Delete":
        known.pop(identity, None)
    elif kind == "ReadFlagChange":
        known[identity] = (read, known[identity][1])
    else:
        known[identity] = (read, categories)


@pytest.mark.parametrize("broken", ["nonsense", "other folder", "void"])
def test_a_state_that_means_nothing_here_is_refused(ews: EwsServer, broken: str) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    state = client.ask(sync_items(folder="drafts" if broken == "other folder" else "inbox")).text("//m:SyncState")
    if broken == "void":
        box.invalidate_sync_states()
    answer = client.ask(sync_items("nonsense" if broken == "nonsense" else state))
    assert answer.codes == ["ErrorInvalidSyncStateData"]


def test_restrictions_compare_moments_texts_and_numbers(ews: EwsServer) -> None:
    box = ews.mailbox()
    ids = [box.deliver(message(n), received=MORNING + timedelta(hours=n)) for n in range(4)]
    box.sensitivity(ids[2], "Private")
    client = Soap.of(ews, box)
    after = compared("IsGreaterThanOrEqualTo", field("item:DateTimeReceived"), "2026-03-02T12:00:00+01:00")
    private = compared("IsEqualTo", extended(PropertyTag="0x36", PropertyType="Integer"), "2")
    subject = f'<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">{field("item:Subject")}'
    subject += '<t:Constant Value="GRÜSSE"/></t:Contains>'
    assert client.ask(find_item(restriction(after))).ids == [ids[3], ids[2]]
    assert client.ask(find_item(restriction(f"<t:And>{after}<t:Not>{private}</t:Not></t:And>"))).ids == [ids[3]]
    assert client.ask(find_item(restriction(f"<t:Or>{private}{private}</t:Or>"))).ids == [ids[2]]
    assert client.ask(find_item(restriction(subject.replace("GRÜSSE", "grüße 1")))).ids == [ids[1]]
    categories = f"<t:Exists>{field('item:Categories')}</t:Exists>"
    assert client.ask(find_item(restriction(categories))).ids == []


def test_exchangelib_filters_by_time_and_by_message_id(ews: EwsServer) -> None:
    box = ews.mailbox()
    for n in range(3):
        box.deliver(message(n), received=MORNING + timedelta(hours=n))
    inbox = exchangelib_account(ews, box).inbox
    newest = inbox.filter(datetime_received__gt=EWSDateTime(2026, 3, 2, 9, 30, tzinfo=ZULU)).order_by(
        "-datetime_received"
    )
    assert [found.message_id for found in newest.only("message_id")] == ["<2@client.example>", "<1@client.example>"]
    assert inbox.get(message_id="<0@client.example>").subject == "Grüße 0"


class OurKey(ExtendedProperty):  # type: ignore[misc]  # exchangelib is untyped
    """A property of this test's own."""

    property_set_id = "7b9c4a4e-1f0f-4c39-9a0e-0f5b8f6d1c11"
    property_name = "TestKey"
    property_type = "String"


def test_exchangelib_finds_items_by_a_property_of_its_own(ews: EwsServer) -> None:
    """The key of a named property knows no case in its GUID and its name."""
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    CalendarItem.register("our_key", OurKey)
    try:
        start = EWSDateTime(2026, 5, 1, 9, tzinfo=ZULU)
        for key in ("a", "b"):
            CalendarItem(
                account=account, folder=account.calendar, subject=key, start=start, end=start, our_key=key
            ).save()
        (found,) = account.calendar.filter(our_key="b")
        assert (found.subject, found.our_key) == ("b", "b")
    finally:
        CalendarItem.deregister("our_key")
    spelled = extended(PropertySetId=OurKey.property_set_id.upper(), PropertyName="testkey", PropertyType="String")
    answer = Soap.of(ews, box).ask(
        find_item(restriction(compared("IsEqualTo", spelled, "a")), folder="calendar", more=spelled)
    )
    assert answer.text("//t:ExtendedProperty/t:Value") == "a"


def test_a_calendar_is_shown_by_days(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.appointment("before", datetime(2026, 4, 30, 9, tzinfo=UTC))
    over = box.appointment("over midnight", datetime(2026, 4, 30, 23, 45, tzinfo=UTC))
    noon = box.appointment("noon", datetime(2026, 5, 1, 12, tzinfo=UTC))
    box.appointment("after", datetime(2026, 5, 2, 0, 0, tzinfo=UTC))
    days = '<m:CalendarView StartDate="2026-05-01T00:00:00Z" EndDate="2026-05-02T00:00:00Z"/>'
    answer = Soap.of(ews, box).ask(find_item(before=days, folder="calendar"))
    assert answer.ids == [over, noon]


def test_the_uid_of_an_appointment_cannot_be_searched_for(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.appointment("x", datetime(2026, 5, 1, 12, tzinfo=UTC))
    uid = restriction(compared("IsEqualTo", field("calendar:UID"), "x"))
    assert Soap.of(ews, box).ask(find_item(uid, folder="calendar")).codes == ["ErrorUnsupportedPathForQuery"]


HIERARCHY = (
    "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
    '<m:SyncFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:SyncFolderId>{state}</m:SyncFolderHierarchy>'
)


def test_the_hierarchy_is_followed_by_its_state(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.create_folder("Inbox/Old")
    client = Soap.of(ews, box)
    first = client.ask(HIERARCHY.format(state=""))
    assert first.text("//m:IncludesLastFolderInRange") == "true"
    assert {"Inbox", "Old", "Calendar"} <= set(first.texts("//t:Create//t:DisplayName"))
    assert first.texts("//t:CalendarFolder/t:FolderClass") == ["IPF.Appointment"]
    old = box.folder("Inbox/Old").id
    box.rename_folder("inbox", "Posteingang")
    box.create_folder("Posteingang/New")
    box.delete_folder("Posteingang/Old")
    state = first.text("//m:SyncState")
    later = client.ask(HIERARCHY.format(state=f"<m:SyncState>{state}</m:SyncState>"))
    assert later.texts("//t:Update//t:DisplayName") == ["Posteingang"]
    assert later.texts("//t:Update//t:DistinguishedFolderId") == ["inbox"]
    assert later.texts("//t:Create//t:DisplayName") == ["New"]
    assert [e.get("Id") for e in later.all("//t:Delete/t:FolderId")] == [old]


FIND_FOLDER = (
    '<m:FindFolder Traversal="{how}"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
    '<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindFolder>'
)


def test_folders_are_found_near_and_deep(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.create_folder("Inbox/A/B")
    client = Soap.of(ews, box)
    assert client.ask(FIND_FOLDER.format(how="Shallow")).texts("//t:DisplayName") == ["A"]
    assert client.ask(FIND_FOLDER.format(how="Deep")).texts("//t:DisplayName") == ["A", "B"]
    assert client.ask(get_folder("archiveroot")).codes == ["ErrorFolderNotFound"]


def test_a_calendar_folder_is_made_once(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    make = (
        '<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderId><m:Folders>'
        "<t:CalendarFolder><t:DisplayName>Reminders</t:DisplayName></t:CalendarFolder></m:Folders></m:CreateFolder>"
    )
    made = client.ask(make)
    assert made.all("//t:CalendarFolder/t:FolderId")[0].get("Id") == box.folder("Calendar/Reminders").id
    assert client.ask(make).codes == ["ErrorFolderExists"]
    assert box.folder("Calendar/Reminders").folder_class == "IPF.Appointment"


def test_exchangelib_moves_marks_and_deletes(ews: EwsServer) -> None:
    """The owner may work with a client too; then the snapshot shows it."""
    box = ews.mailbox()
    box.deliver(message(1))
    account = exchangelib_account(ews, box)
    found = account.inbox.get(message_id="<1@client.example>")
    found.is_read = True
    found.save(update_fields=["is_read"])
    assert box.items()[0]["IsRead"] == "true"
    found.move(account.trash)
    (moved,) = box.items("deleteditems")
    assert moved.id == found.id
    found.delete()
    assert box.find("<1@client.example>") == []


def test_nothing_is_sent_from_here(ews: EwsServer) -> None:
    """A client that writes to somebody is refused, so a test can prove that none does."""
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    draft = Message(account=account, folder=account.drafts, subject="draft", body="x", to_recipients=["a@b.example"])
    draft.save()
    assert [item["Subject"] for item in box.items("drafts")] == ["draft"]
    send = (
        '<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:Message><t:Subject>x</t:Subject></t:Message></m:Items>'
    )
    assert Soap.of(ews, box).ask(f"{send}</m:CreateItem>").codes == ["ErrorSendAsDenied"]
