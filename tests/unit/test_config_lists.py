"""Lists of mailboxes in the configuration: where they come from, what their entries mean, which files are right."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.listed import with_members
from config.mailboxes_csv import read_mailboxes
from config.model import (
    CaldavCalendar,
    CsvList,
    EntraGroup,
    GraphAccess,
    GraphCalendar,
    LdapBase,
    MailboxList,
    Member,
    Settings,
)
from config.problem import ConfigProblems
from tests.unit.config_room import ANNA, IMAP, Room
from tests.unit.test_config_exchange import EWS, GRAPH


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def the_list(room: Room, text: str) -> MailboxList:
    (one,) = room.settings(text).lists
    return one


def addresses(settings: Settings, *members: str) -> list[str]:
    whole, problems = with_members(
        settings, {one.connector: [Member(address=each) for each in members] for one in settings.lists}
    )
    assert not problems
    return [mailbox.address for mailbox in whole.mailboxes]


def test_a_list_is_looked_at_hourly_and_believed_up_to_ten_changes(room: Room) -> None:
    one = the_list(room, EWS + 'mailboxes_from = { csv = "onprem.csv" }')
    assert one.source == CsvList(path=room.folder / "onprem.csv")
    assert (one.connector, one.every, one.most_change, one.excluded) == ("server", timedelta(hours=1), 10, ())


def test_a_file_starts_at_the_file_that_names_it(room: Room) -> None:
    beside = EWS.replace('file = "secret"', 'file = "../secret"')
    room.write(beside + 'mailboxes_from = { csv = "onprem.csv" }', "connectors.d/server.toml")
    assert the_list(room, "").source == CsvList(path=room.folder / "connectors.d/onprem.csv")


def test_a_group_is_asked_for_with_the_sign_in_of_its_connector(room: Room) -> None:
    source = the_list(room, GRAPH + 'mailboxes_from = { entra_group = "0b7e", every = "15m", most_change = 3 }').source
    assert isinstance(source, EntraGroup)
    assert (source.group, source.access.tenant_id, source.access.user) == ("0b7e", "t", "")


def test_a_directory_is_named_by_url_and_base(room: Room) -> None:
    ldap = 'ldap = { url = "ldaps://dc.ourfirm.example/", base = "OU=Sales,DC=ourfirm", filter = "(mail=*)" }'
    assert the_list(room, EWS + f"mailboxes_from = {{ {ldap} }}").source == LdapBase(
        url="ldaps://dc.ourfirm.example", base="OU=Sales,DC=ourfirm", filter="(mail=*)"
    )


def test_a_configuration_may_name_a_list_and_no_mailbox(room: Room) -> None:
    assert room.settings(EWS + 'mailboxes_from = { csv = "none.csv" }').mailboxes == ()


def test_settings_of_the_connector_apply_to_everybody_on_its_list_with_placeholders_filled(room: Room) -> None:
    calendar = 'calendar = { type = "caldav", url = "https://dav.example/{local}/", username = "{address}" }'
    settings = room.settings(IMAP + f'timezone = "Europe/Berlin"\n{calendar}\nmailboxes_from = {{ csv = "a.csv" }}')
    ben = Member(address="ben@x.example", aliases=("b@x.example",), since=timedelta(days=365))
    eva = Member(address="eva@x.example", timezone="Europe/Vienna", capture="metadata", since=date(2026, 1, 31))
    whole, problems = with_members(settings, {"hosted": [ben, eva]})
    assert not problems
    assert with_members(settings, {})[0].unresolved == ("hosted",)
    assert whole.unresolved == ()
    first, second = whole.mailboxes
    assert (first.address, first.aliases, first.timezone, first.since) == (
        *(ben.address, ben.aliases),
        "Europe/Berlin",
        ben.since,
    )
    assert isinstance(first.calendar, CaldavCalendar)
    assert (first.calendar.url, first.calendar.username) == ("https://dav.example/ben/", "ben@x.example")
    assert (second.timezone, second.capture, second.since) == ("Europe/Vienna", "metadata", date(2026, 1, 31))


def test_a_list_may_say_what_the_server_calls_a_mailbox(room: Room) -> None:
    """Of the people in a group it is their object id; the others are asked for by their address."""
    settings = room.settings(GRAPH + 'mailboxes_from = { entra_group = "g" }')
    members = [Member(address="ben@x.example", username="0f3a"), Member(address="eva@x.example")]
    whole, problems = with_members(settings, {"online": members})
    assert not problems
    assert [(one.address, _user(one.access), _user(one.calendar)) for one in whole.mailboxes] == [
        ("ben@x.example", "0f3a", "0f3a"),
        ("eva@x.example", "eva@x.example", "eva@x.example"),
    ]


def _user(reached: object) -> str:
    """What a mailbox or a calendar of Exchange Online is asked for by."""
    access = reached.access if isinstance(reached, GraphCalendar) else reached
    assert isinstance(access, GraphAccess)
    return access.user


def test_who_is_excluded_by_address_or_alias_is_nobodys_mailbox(room: Room) -> None:
    settings = room.settings(
        EWS + 'mailboxes_from = { csv = "a.csv", exclude = ["Council@ourfirm.example", "hr@ourfirm.example"] }'
    )
    members = [
        Member(address="council@ourfirm.example"),
        Member(address="ines@ourfirm.example", aliases=("HR@ourfirm.example",)),
        Member(address="ben@ourfirm.example"),
    ]
    whole, _ = with_members(settings, {"server": members})
    assert [one.address for one in whole.mailboxes] == ["ben@ourfirm.example"]


def test_a_mailbox_named_one_by_one_is_as_it_is_written_there(room: Room) -> None:
    settings = room.settings(EWS + 'mailboxes_from = { csv = "a.csv" }' + ANNA + 'timezone = "Europe/Vienna"')
    assert addresses(settings, "ANNA@ourfirm.example", "ben@ourfirm.example") == [
        "anna@ourfirm.example",
        "ben@ourfirm.example",
    ]
    assert settings.mailboxes[0].timezone == "Europe/Vienna"


def test_a_mailbox_on_two_lists_belongs_to_the_connector_named_first(room: Room) -> None:
    lists = EWS + 'mailboxes_from = { csv = "a.csv" }' + GRAPH + 'mailboxes_from = { entra_group = "g" }'
    whole, _ = with_members(
        room.settings(lists), {"online": [Member(address="a@x.example")], "server": [Member(address="A@x.example")]}
    )
    assert [(one.address, one.connector) for one in whole.mailboxes] == [("A@x.example", "server")]


def test_an_alias_that_is_somebodys_address_stays_theirs(room: Room) -> None:
    settings = room.settings(EWS + 'mailboxes_from = { csv = "a.csv" }' + ANNA)
    whole, _ = with_members(settings, {"server": [Member(address="b@x.example", aliases=("anna@ourfirm.example",))]})
    assert [one.aliases for one in whole.mailboxes] == [(), ()]


def test_an_entry_that_would_lead_elsewhere_is_left_out_and_told(room: Room) -> None:
    text = '[[connectors]]\nname = "d"\ntype = "maildir"\npath = "/srv/{local}"\nmailboxes_from = { csv = "a.csv" }'
    members = [Member(address="../etc@x.example"), Member(address="ben@x.example")]
    whole, problems = with_members(room.settings(text), {"d": members})
    assert [one.address for one in whole.mailboxes] == ["ben@x.example"]
    assert [each.key for each in problems] == ["connectors.path"]


MISTAKES = {
    "no list": ("{ every = '1h' }", ["connectors.mailboxes_from: names no list, write csv, ldap or entra_group"]),
    "two lists": (
        "{ csv = 'a', entra_group = 'g' }",
        ["connectors.mailboxes_from.entra_group: stands beside csv, remove one of the two"],
    ),
    "a slip": ("{ cvs = 'a' }", ["connectors.mailboxes_from: names no list, write csv, ldap or entra_group"]),
    "no change allowed": (
        "{ csv = 'a', most_change = 0 }",
        ["connectors.mailboxes_from.most_change: 0 is out of range, write a number from 1 to 100000"],
    ),
    "a directory in plain text": (
        "{ ldap = { url = 'ldap://dc.ourfirm.example', base = 'b' } }",
        [
            "connectors.mailboxes_from.ldap.url: ldap:// would send everything to dc.ourfirm.example readable by all, "
            "write ldaps://"
        ],
    ),
    "a directory without its base": (
        "{ ldap = { url = 'ldaps://dc.ourfirm.example' } }",
        ["connectors.mailboxes_from.ldap: base is missing, write base = …"],
    ),
    "a name without a password": (
        "{ ldap = { url = 'ldaps://dc.ourfirm.example', base = 'b', username = 'u' } }",
        ["connectors.mailboxes_from.ldap: username and password belong together, write both, or neither"],
    ),
}


@pytest.mark.parametrize(("written", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_about_a_list_has_its_sentence(room: Room, written: str, told: list[str]) -> None:
    found = room.told(f"{GRAPH}mailboxes_from = {written}")
    assert [each.removeprefix("crm-agent.toml:8: ") for each in found if "unknown key" not in each] == told


def test_a_group_of_entra_is_for_microsofts_own_cloud(room: Room) -> None:
    assert room.told(EWS + 'mailboxes_from = { entra_group = "g" }') == [
        "crm-agent.toml:8: connectors.mailboxes_from.entra_group: unknown key entra_group, remove it",
    ]


def test_what_every_entry_will_lack_is_told_before_anybody_reads_the_list(room: Room) -> None:
    without = EWS.replace("password", "# password")
    assert room.told(without + 'mailboxes_from = { csv = "a.csv" }') == [
        "crm-agent.toml:8: connectors.mailboxes_from: password is missing, write password = …"
    ]
    unset = EWS.replace('file = "secret"', 'env = "CRM_TEST_UNSET"')
    (sentence,) = room.told(unset + 'mailboxes_from = { csv = "a.csv" }')
    assert sentence.startswith("crm-agent.toml:7: connectors.password: environment variable CRM_TEST_UNSET is not set")


def test_a_secret_that_each_entry_has_by_itself_is_not_tried_before_its_turn(room: Room) -> None:
    own = EWS.replace('file = "secret"', 'file = "secret-{local}"')
    assert room.settings(own + 'mailboxes_from = { csv = "a.csv" }').lists


WHOLE = "address,aliases,timezone,capture,since\n"


def entries(room: Room, text: str | bytes) -> Sequence[Member]:
    path = room.folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_mailboxes(path)


def test_a_file_may_say_what_the_server_calls_a_mailbox(room: Room) -> None:
    (anna,) = entries(room, "address,username\nanna@x.example,anna@x.onmicrosoft.example\n")
    assert anna.username == "anna@x.onmicrosoft.example"


def test_a_file_may_say_for_each_mailbox_what_differs(room: Room) -> None:
    text = (
        WHOLE + "anna@x.example,a@x.example; a.b@x.example,Europe/Vienna,subject,2026-01-31\n\nben@x.example,,,,365d\n"
    )
    anna, ben = entries(room, text)
    assert anna == Member(
        address="anna@x.example",
        aliases=("a@x.example", "a.b@x.example"),
        timezone="Europe/Vienna",
        capture="subject",
        since=date(2026, 1, 31),
    )
    assert ben == Member(address="ben@x.example", since=timedelta(days=365))


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfAddress\r\nanna@x.example\r\n",
        b"aliases;address\n;anna@x.example\n",
        b'"Address"\t"Aliases"\n"anna@x.example"\n',
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(room: Room, text: bytes) -> None:
    assert entries(room, text) == (Member(address="anna@x.example"),)


@pytest.mark.parametrize("since", [date(2026, 1, 31), timedelta(days=365), None])
def test_an_entry_survives_being_kept_as_text(since: date | timedelta | None) -> None:
    member = Member(address="anna@x.example", aliases=("a@x.example",), capture="full", since=since)
    assert Member.model_validate_json(member.model_dump_json()) == member


FILES = {
    "nothing in it": ("\n", ["is empty, write a first row with address, username, aliases, timezone, capture, since"]),
    "no header": (
        "anna@x.example\n",
        ["has no column address, write a first row with address, username, aliases, timezone, capture, since"],
    ),
    "a column with a slip": ("address,timezon\n", ["unknown column timezon, write timezone"]),
    "every mistake at once": (
        WHOLE + "anna,,,,\nben@x.example,b,Europe/Berlln,all,yesterday\n,x@x.example,,,\n",
        [
            '2: address: "anna" is no mail address, write one such as "anna@ourfirm.example"',
            '3: aliases: "b" is no mail address, write one such as "anna@ourfirm.example"',
            '3: capture: "all" is none of the choices, write metadata, subject or full',
            '3: since: "yesterday" is no span of time, write a date without quotes, such as 2026-01-31, '
            'or a span such as "365d"',
            '3: timezone: "Europe/Berlln" is no IANA time zone, write "Europe/Berlin"',
            "4: has no address, write one, or remove the row",
        ],
    ),
    "named twice": (
        "address,aliases\nanna@x.example,a@x.example\nA@x.example,\n",
        ['3: "A@x.example" is named already on line 2, name it once'],
    ),
    "a comma in a cell": (
        "address,timezone\nanna@x.example,UTC,full\n",
        ["2: has 3 cells under 2 columns, put what holds a comma in quotes"],
    ),
    "an open quote": (
        'address\n"anna@x.example\n',
        ["2: cannot be read as CSV (unexpected end of data), close every quote"],
    ),
}


@pytest.mark.parametrize(("text", "told"), FILES.values(), ids=FILES.keys())
def test_each_mistake_in_a_file_has_its_line_and_its_sentence(room: Room, text: str, told: list[str]) -> None:
    with pytest.raises(ConfigProblems) as found:
        entries(room, text)
    place = f"{room.folder / 'list.csv'}"
    sentences = [
        str(each).removeprefix(place).removeprefix(":").removeprefix("1: ").strip() for each in found.value.problems
    ]
    assert sentences == told


def test_a_file_that_is_not_there_or_not_text_is_told(room: Room) -> None:
    with pytest.raises(ConfigProblems, match=r"none\.csv: cannot be read: No such file or directory"):
        read_mailboxes(room.folder / "none.csv")
    with pytest.raises(ConfigProblems, match="is not UTF-8 text, save the file as CSV UTF-8"):
        entries(room, b"address\n\xff\n")
