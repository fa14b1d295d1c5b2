"""Whether the owner's automatic replies are on (GetUserOofSettings)."""

from connectors.errors import Fatal, NeedsSignIn
from connectors.exchange.soap import Seat, error_of
from connectors.exchange.xml import MESSAGES, find, m, moment, t, text
from connectors.message import Away


def read_away(seat: Seat) -> Away | None:
    """None where they are off, or where the account may not know: that is the owner's business, and no failure."""
    payload = m("GetUserOofSettingsRequest", t("Mailbox", t("Address", seat.primary_smtp_address)))
    try:
        (answer,) = seat.ask(payload)
    except NeedsSignIn:
        raise
    except Fatal:
        return None
    message = answer.find(MESSAGES + "ResponseMessage")
    refused = None if message is None else error_of(message)
    if isinstance(refused, Fatal):
        return None
    if refused is not None:
        raise refused
    settings = find(answer, "OofSettings")
    state = text(settings, "OofState")
    if state == "Scheduled":
        return Away(
            start=moment(text(settings, "Duration", "StartTime")), end=moment(text(settings, "Duration", "EndTime"))
        )
    return Away() if state == "Enabled" else None
