"""Requests about subscriptions. "Create subscription", "Update subscription" and what they refuse."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.servers.graph import refusals
from tests.servers.graph.notifications import Subscription
from tests.servers.graph.odata import Call, segments
from tests.servers.graph.refusals import Refuse
from tests.servers.graph.tenant import User
from tests.servers.graph.web import Answer

LONGEST = timedelta(minutes=10080)
_STATE_AT_MOST = 128
_KNOWN = frozenset(
    {"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState"}
    | {"latestSupportedTlsVersion", "notificationQueryOptions", "includeResourceData"}
)
_READS = {
    "messages": frozenset({"Mail.Read", "Mail.ReadWrite"}),
    "events": frozenset({"Calendars.Read", "Calendars.ReadWrite"}),
}


def create(call: Call) -> Answer:
    """POST `/subscriptions`."""
    wanted = call.json()
    _check(wanted)
    user, collection, folder = _resource(call, str(wanted["resource"]))
    subscription = Subscription(
        user=user.id,
        collection=collection,
        folder=folder,
        immutable=call.immutable,
        application=call.access.application.client_id,
        fields=dict(wanted),
        expires=_expiry(wanted["expirationDateTime"]),
    )
    _shake_hands(call, wanted)
    call.tenant.notifications.all[subscription.id] = subscription
    context = {"@odata.context": f"{call.base}/$metadata#subscriptions/$entity"}
    return Answer.of(context | subscription.entity(), 201)


def list_all(call: Call) -> Answer:
    """GET `/subscriptions`: the application's own."""
    found = [one for one in call.tenant.notifications.all.values() if _owns(call, one)]
    context = {"@odata.context": f"{call.base}/$metadata#subscriptions"}
    return Answer.of(context | {"value": [one.entity() for one in found]})


def get(call: Call, key: str) -> Answer:
    """GET `/subscriptions/x`."""
    return Answer.of(_find(call, key).entity())


def renew(call: Call, key: str) -> Answer:
    """PATCH `/subscriptions/x` {"expirationDateTime": ...}; it authorizes again too."""
    subscription, wanted = _find(call, key), call.json()
    if set(wanted) - {"expirationDateTime", "notificationUrl"} or "expirationDateTime" not in wanted:
        raise _invalid("Only expirationDateTime and notificationUrl of a subscription can be changed.")
    expires = _expiry(wanted["expirationDateTime"])
    if "notificationUrl" in wanted:
        _shake_hands(call, {"notificationUrl": wanted["notificationUrl"]})
        subscription.fields["notificationUrl"] = wanted["notificationUrl"]
    subscription.expires, subscription.paused = expires, False
    return Answer.of(subscription.entity())


def reauthorize(call: Call, key: str) -> Answer:
    """POST `/subscriptions/x/reauthorize`."""
    _find(call, key).paused = False
    return Answer(204)


def delete(call: Call, key: str) -> Answer:
    """DELETE `/subscriptions/x`."""
    del call.tenant.notifications.all[_find(call, key).id]
    return Answer(204)


def _owns(call: Call, subscription: Subscription) -> bool:
    mine = subscription.application == call.access.application.client_id
    return mine and subscription.expires > datetime.now(UTC)


def _find(call: Call, key: str) -> Subscription:
    found = call.tenant.notifications.all.get(key)
    if found is None or not _owns(call, found):
        raise Refuse(404, "ResourceNotFound", "The object was not found.")
    return found


def _check(wanted: Mapping[str, Any]) -> None:
    for name in wanted:
        if name not in _KNOWN and not name.startswith("@"):
            raise _invalid(f"The property '{name}' does not exist on type 'microsoft.graph.subscription'.")
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        if not isinstance(wanted.get(name), str) or not wanted[name]:
            raise _invalid(f"Subscription {name} is required.")
    if set(re.split(r"\s*,\s*", wanted["changeType"].strip())) - {"created", "updated", "deleted"}:
        raise _invalid(f"ChangeType '{wanted['changeType']}' is not supported.")
    if len(wanted.get("clientState") or "") > _STATE_AT_MOST:
        raise _invalid(f"ClientState is longer than {_STATE_AT_MOST} characters.")
    if wanted.get("includeResourceData"):
        raise Refuse(501, "NotImplemented", "This simulator sends no resource data.")
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        if wanted.get(name) and not wanted[name].startswith("https://"):
            raise _invalid(f"{name} must be an HTTPS URL.")


def _expiry(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    except ValueError:
        raise _invalid("expirationDateTime is no time.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise _invalid("Subscription expiration must be in the future.")
    if moment > datetime.now(UTC) + LONGEST:
        minutes = int(LONGEST.total_seconds() // 60)
        raise _invalid(f"Subscription expiration can only be {minutes} minutes in the future.")
    return moment


def _resource(call: Call, text: str) -> tuple[User, str, str | None]:
    """Whose, `messages` or `events`, and the id of the folder if only one is meant."""
    path = list(segments("/" + text.removeprefix(call.base).lstrip("/")))
    if len(path) < 3 or path[0].lower() != "users" or path[-1].lower() not in _READS:
        raise _invalid(f"Resource '{text}' is not supported.")
    user = call.tenant.users.get(path[1].lower())
    if user is None or user.mailbox is None:
        raise Refuse(404, "ResourceNotFound", f"The requested user '{path[1]}' is invalid.")
    if not call.access.may(_READS[path[-1].lower()], user.mail):
        raise Refuse(
            403,
            "ErrorAccessDenied",
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied.]",
        )
    in_folder = len(path) == 5 and path[2].lower() == "mailfolders"
    if len(path) != 3 and not in_folder:
        raise _invalid(f"Resource '{text}' is not supported.")
    return user, path[-1].lower(), user.mailbox.folder(path[3]).id if in_folder else None


def _shake_hands(call: Call, wanted: Mapping[str, Any]) -> None:
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        if wanted.get(name) and not call.tenant.notifications.validate(wanted[name]):
            message = (
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation"
                " request."
            )
            raise refusals.bad_request(message, "ValidationError")


def _invalid(message: str) -> Refuse:
    return refusals.bad_request(message, "InvalidRequest")
