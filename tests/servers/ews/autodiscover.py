"""Autodiscover on the same server: SOAP (GetUserSettings, [MS-OXWSADISC]) and POX ([MS-OXDSCLI])."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from tests.servers.ews import soap
from tests.servers.ews.calls import find_box
from tests.servers.ews.soap import Node
from tests.servers.ews.store import World

SOAP_PATH = "/autodiscover/autodiscover.svc"
POX_PATH = "/autodiscover/autodiscover.xml"
_AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_A = f"{{{_AUTODISCOVER}}}"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook"


def user_settings(world: World, url: str, redirects: Mapping[str, str], envelope: Node) -> bytes:
    """The answer to GetUserSettings. url: of EWS. redirects: addresses of who has moved away, by their old ones."""
    request = envelope.find(f".//{_A}Request")
    users = [element.text or "" for element in request.iter(f"{_A}Mailbox")]
    wanted = [element.text or "" for element in request.iter(f"{_A}Setting")]
    answers = "".join(_user(world, url, redirects, user, wanted) for user in users)
    inside = "<ErrorCode>NoError</ErrorCode><ErrorMessage/>" + soap.tag("UserResponses", answers)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{soap.SOAP}"><s:Header>'
        f'<h:ServerVersionInfo xmlns:h="{_AUTODISCOVER}"><h:MajorVersion>15</h:MajorVersion><h:MinorVersion>2'
        "</h:MinorVersion><h:MajorBuildNumber>1544</h:MajorBuildNumber><h:MinorBuildNumber>4</h:MinorBuildNumber>"
        "<h:Version>Exchange2015</h:Version></h:ServerVersionInfo></s:Header><s:Body>"
        f'<GetUserSettingsResponseMessage xmlns="{_AUTODISCOVER}"><Response>{inside}</Response>'
        "</GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    ).encode()


def _user(world: World, url: str, redirects: Mapping[str, str], address: str, wanted: list[str]) -> str:
    box = find_box(world, address)
    if address.lower() in redirects:
        said = "<ErrorCode>RedirectAddress</ErrorCode><ErrorMessage>Redirection address.</ErrorMessage>"
        target = soap.text("RedirectTarget", redirects[address.lower()])
        return soap.tag("UserResponse", f"{said}{target}<UserSettingErrors/><UserSettings/>")
    if box is None:
        said = "<ErrorCode>InvalidUser</ErrorCode>" + soap.text("ErrorMessage", f"Invalid user: '{address}'")
        return soap.tag("UserResponse", said + "<RedirectTarget/><UserSettingErrors/><UserSettings/>")
    known = {
        "UserDisplayName": box.name,
        "AutoDiscoverSMTPAddress": box.address,
        "InternalEwsUrl": url,
        "ExternalEwsUrl": url,
        "EwsSupportedSchemas": "Exchange2007, Exchange2010, Exchange2013, Exchange2016",
        "CasVersion": "15.2.1544.4",
    }
    settings = "".join(_setting(name, known[name]) for name in wanted if name in known)
    said = "<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget/><UserSettingErrors/>"
    return soap.tag("UserResponse", said + soap.tag("UserSettings", settings))


def _setting(name: str, content: str) -> str:
    kind = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="StringSetting"'
    return f"<UserSetting {kind}>{soap.text('Name', name)}{soap.text('Value', content)}</UserSetting>"


def pox(world: World, url: str, body: bytes) -> bytes:
    """The answer to a POX request. url: of EWS."""
    root = soap.parse(body)
    address = next((element.text or "" for element in root.iter() if str(element.tag).endswith("EMailAddress")), "")
    box = find_box(world, address)
    space = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
    if box is None:
        inside = '<Response><Error Time="00:00:00" Id="1"><ErrorCode>500</ErrorCode><Message>Invalid user</Message>'
        inside += "<DebugData/></Error></Response>"
    else:
        protocol = f"<Protocol><Type>EXPR</Type><EwsUrl>{escape(url)}</EwsUrl></Protocol>"
        inside = f'<Response xmlns="{_OUTLOOK}/responseschema/2006a"><User>{soap.text("DisplayName", box.name)}'
        inside += f"{soap.text('AutoDiscoverSMTPAddress', box.address)}</User><Account><AccountType>email</AccountType>"
        inside += f"<Action>settings</Action>{protocol}</Account></Response>"
    document = f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{space}">{inside}</Autodiscover>'
    return document.encode()
