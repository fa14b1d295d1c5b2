"""Notifications, directory, automatic replies and autodiscover on the EWS server of the lab."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.configuration import Configuration
from exchangelib.credentials import Credentials
from exchangelib.errors import ErrorNameResolutionNoResults, ErrorSubscriptionNotFound
from exchangelib.properties import UserResponse
from exchangelib.protocol import FailFast
from exchangelib.services import GetStreamingEvents
from lxml import etree

from tests.integration.ews_client import (
    NAMES,
    Answer,
    Soap,
    exchangelib_account,
    field,
    get_folder,
    get_item,
    message,
    trust,
)
from tests.servers.ews import EwsServer, Person

EVENTS = ("NewMailEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "CopiedEvent")
X500 = "/o=Lab/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=0123-Ann"


def subscribe(*folders: str, events: tuple[str, ...] = EVENTS) -> str:
    """A Subscribe request for streaming."""
    where = "".join(f'<t:DistinguishedFolderId Id="{name}"/>' for name in folders)
    listed = "".join(f"<t:EventType>{name}</t:EventType>" for name in events)
    inside = f"<t:FolderIds>{where}</t:FolderIds><t:EventTypes>{listed}</t:EventTypes>"
    return f"<m:Subscribe><m:StreamingSubscriptionRequest>{inside}</m:StreamingSubscriptionRequest></m:Subscribe>"


def listen(*subscriptions: str, minutes: int = 1) -> str:
    """A GetStreamingEvents request."""
    listed = "".join(f"<t:SubscriptionId>{one}</t:SubscriptionId>" for one in subscriptions)
    timeout = f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout>"
    return f"<m:GetStreamingEvents><m:SubscriptionIds>{listed}</m:SubscriptionIds>{timeout}</m:GetStreamingEvents>"


def envelopes(response: requests.Response) -> Iterator[etree._Element]:
    """The envelopes of a streaming answer as they come, one a chunk."""
    for chunk in response.iter_content(chunk_size=None):
        yield etree.fromstring(chunk)


def kinds(envelope: etree._Element) -> list[str]:
    """The names of what happened."""
    return [etree.QName(e).localname for e in envelope.xpath("//m:Notification/*", namespaces=NAMES)][1:]


def status(envelope: etree._Element) -> str:
    """ConnectionStatus."""
    return str(envelope.xpath("string(//m:ConnectionStatus)", namespaces=NAMES))


def test_news_is_told_as_it_happens_until_the_time_is_over(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.world.pace.minute = 0.3
    told = envelopes(client.post(listen(identity), stream=True))
    assert status(next(told)) == "OK"
    item = box.deliver(message())
    news = next(told)
    assert kinds(news) == ["CreatedEvent", "NewMailEvent", "ModifiedEvent"]
    assert news.xpath("string(//t:NewMailEvent/t:ItemId/@Id)", namespaces=NAMES) == item
    inbox = box.folder("inbox").id
    assert news.xpath("string(//t:NewMailEvent/t:ParentFolderId/@Id)", namespaces=NAMES) == inbox
    assert news.xpath("string(//t:ModifiedEvent/t:FolderId/@Id)", namespaces=NAMES) == inbox
    assert news.xpath("string(//t:UnreadCount)", namespaces=NAMES) == "1"
    assert [status(envelope) for envelope in told][-1] == "Closed"


def test_what_happened_before_a_connection_is_told_first(ews: EwsServer) -> None:
    """Everything since the subscription, each thing once, in its order, with both places of a move."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.world.pace.minute = 0.05
    item = box.deliver(message())
    box.mark_read(item)
    box.copy(item, "inbox")
    box.move(item, "deleteditems")
    box.deliver(message(2), "junkemail")
    first = [name for envelope in envelopes(client.post(listen(identity), stream=True)) for name in kinds(envelope)]
    arrival = ["CreatedEvent", "NewMailEvent", "ModifiedEvent"]
    assert first == [*arrival, "ModifiedEvent", "CopiedEvent", "MovedEvent"]
    assert [name for e in envelopes(client.post(listen(identity), stream=True)) for name in kinds(e)] == []


def test_a_quiet_connection_shows_that_it_lives(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.world.pace.minute, ews.world.pace.heartbeat = 0.2, 0.02
    found = [(status(envelope), kinds(envelope)) for envelope in envelopes(client.post(listen(identity), stream=True))]
    assert len(found) > 3
    assert found[-1] == ("Closed", [])
    assert all(one == ("OK", []) for one in found[:-1])


def test_a_stream_may_break(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    told = envelopes(client.post(listen(identity), stream=True))
    next(told)
    ews.drop_streams()
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        next(told)


def test_a_subscription_that_is_not_there_is_named(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    end = f"<m:Unsubscribe><m:SubscriptionId>{identity}</m:SubscriptionId></m:Unsubscribe>"
    assert [client.ask(end).codes for _ in range(2)] == [["NoError"], ["ErrorSubscriptionNotFound"]]
    answer = client.ask(listen(identity))
    assert answer.codes == ["ErrorSubscriptionNotFound"]
    assert answer.texts("//m:ErrorSubscriptionIds/m:SubscriptionId") == [identity]


def test_a_server_that_forgot_its_subscriptions_says_so_while_listened_to(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    told = envelopes(client.post(listen(identity), stream=True))
    next(told)
    ews.forget_subscriptions()
    assert next(told).xpath("string(//m:ResponseCode)", namespaces=NAMES) == "ErrorSubscriptionNotFound"
    assert list(told) == []


def test_so_many_connections_may_hang_and_no_more(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.exchange.limits.hanging = 1
    told = envelopes(Soap.of(ews, box).post(listen(identity), stream=True))
    next(told)
    assert client.ask(listen(identity)).codes == ["ErrorExceededConnectionCount"]


def test_listening_may_be_refused_for_a_while(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.faults.busy(1000, "GetStreamingEvents")
    answer = client.ask(listen(identity))
    assert (answer.status, answer.codes) == (500, ["ErrorServerBusy"])


def test_exchangelib_listens(ews: EwsServer) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box, connections=2)
    identity = account.inbox.subscribe_to_streaming()
    ews.world.pace.minute = 0.3
    item = box.deliver(message())
    service = GetStreamingEvents(account=account)
    found = [event for told in service.call([identity], connection_timeout=1) for event in told.events]
    assert [event.item_id.id for event in found if event.ELEMENT_NAME == "NewMailEvent"] == [item]
    account.inbox.unsubscribe(identity)
    with pytest.raises(ErrorSubscriptionNotFound):
        list(GetStreamingEvents(account=account).call([identity], connection_timeout=1))


def test_a_stream_ends_with_the_client(ews: EwsServer) -> None:
    """A client that went away holds no share of the budget for long."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    identity = client.ask(subscribe("inbox")).text("//m:SubscriptionId")
    ews.world.pace.heartbeat = 0.01
    other = Soap.of(ews, box)
    response = other.post(listen(identity), stream=True)
    next(envelopes(response))
    response.close()
    other.session.close()
    for _ in range(500):
        if not ews.exchange.limits.now[box.address, "hanging"]:
            return
        threading.Event().wait(0.01)
    pytest.fail("still listening")


RESOLVE = '<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>{}</m:UnresolvedEntry></m:ResolveNames>'


def test_an_x500_address_has_an_smtp_address(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.person(Person(name="Ann Inside", address="ann.inside@corp.example", legacy=X500))
    client = Soap.of(ews, box)
    for spelling in (X500, f"EX:{X500.upper()}"):
        answer = client.ask(RESOLVE.format(spelling))
        assert answer.text("//t:Resolution/t:Mailbox/t:EmailAddress") == "ann.inside@corp.example"
    assert client.ask(RESOLVE.format(f"{X500}-gone")).codes == ["ErrorNameResolutionNoResults"]
    account = exchangelib_account(ews, box)
    assert account.protocol.version.build  # or it knows no version to ask with
    (found,) = account.protocol.resolve_names([X500])
    assert found.email_address == "ann.inside@corp.example"
    (missing,) = account.protocol.resolve_names([f"{X500}-gone"])
    assert isinstance(missing, ErrorNameResolutionNoResults)


def test_several_people_of_one_name_are_a_warning(ews: EwsServer) -> None:
    box = ews.mailbox()
    for number in range(2):
        ews.person(Person(name=f"Unmistakable {number}", address=f"unmistakable{number}@corp.example"))
    answer = Soap.of(ews, box).ask(RESOLVE.format("Unmistakable"))
    assert answer.codes == ["ErrorNameResolutionMultipleResults"]
    assert len(answer.all("//t:Resolution")) == 2


def test_an_author_may_have_an_x500_address_only(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(message())
    box.rewrite_person(item, "From", "Ann Inside", X500)
    answer = Soap.of(ews, box).ask(get_item(item, more=field("message:From")))
    assert answer.text("//t:From//t:EmailAddress") == X500
    assert answer.text("//t:From//t:RoutingType") == "EX"


def test_a_list_is_expanded_by_one_level(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.person(Person(name="Inner", address="inner@corp.example", members=("deep@corp.example",)))
    ews.person(Person(name="Sales", address="sales@corp.example", members=(box.address, "inner@corp.example")))
    ask = "<m:ExpandDL><m:Mailbox><t:EmailAddress>sales@corp.example</t:EmailAddress></m:Mailbox></m:ExpandDL>"
    answer = Soap.of(ews, box).ask(ask)
    assert answer.texts("//m:DLExpansion/t:Mailbox/t:EmailAddress") == [box.address, "inner@corp.example"]
    assert answer.texts("//m:DLExpansion/t:Mailbox/t:MailboxType") == ["Mailbox", "PublicDL"]


def test_automatic_replies_are_off_on_or_planned(ews: EwsServer) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    assert account.oof_settings.state == "Disabled"
    box.automatic_replies(True)
    assert account.oof_settings.state == "Enabled"
    box.automatic_replies(True, start=datetime(2026, 5, 1, tzinfo=UTC), end=datetime(2026, 5, 8, tzinfo=UTC))
    planned = account.oof_settings
    assert (planned.state, planned.end.day) == ("Scheduled", 8)


def test_time_zones_have_windows_names(ews: EwsServer) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    zones = {zone.id: zone for zone in account.protocol.get_timezones(return_full_timezone_data=True)}
    berlin = zones["W. Europe Standard Time"]
    assert {period.bias_in_minutes for period in berlin.periods} == {-60, -120}
    assert len(zones) > 100


def autodiscovered(server: EwsServer, address: str, login: tuple[str, str]) -> UserResponse:
    """What exchangelib learns of an address."""
    trust(server.ca_file)
    settings = Configuration(
        service_endpoint=server.autodiscover_url,
        credentials=Credentials(*login),
        auth_type="basic",
        retry_policy=FailFast(),
    )
    protocol = AutodiscoverProtocol(config=settings)
    try:
        return protocol.get_user_settings(address)
    finally:
        protocol.close()


def test_exchangelib_asks_autodiscover_for_the_address_of_ews(ews: EwsServer) -> None:
    box = ews.mailbox()
    login = (box.address, box.password)
    assert autodiscovered(ews, box.address, login).ews_url == ews.url
    assert autodiscovered(ews, "nobody@corp.example", login).error_code == "InvalidUser"


def test_a_mailbox_that_moved_away_is_no_more_here(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.account("service", "secret", impersonates={"*"})
    ews.emigrate(box, "ann@cloud.example")
    assert Soap(ews, "service", "secret", acting_as=box.address).ask(get_folder()).codes == ["ErrorNonExistentMailbox"]
    found = autodiscovered(ews, box.address, (box.address, box.password))
    assert found.redirect_address == "ann@cloud.example"


def test_the_older_autodiscover_names_the_same_address(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    space = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
    ask = f'<Autodiscover xmlns="{space}"><Request><EMailAddress>{box.address}</EMailAddress></Request></Autodiscover>'
    answer = Answer(client.session.post(ews.autodiscover_url.replace(".svc", ".xml"), data=ask, timeout=20))
    assert answer.text("//*[local-name()='EwsUrl']") == ews.url
