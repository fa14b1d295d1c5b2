"""Requests about mail: folders, messages, attachments, and what changed in them.

The documentation's pages of mailFolder and message, "List messages" and "message: delta" among them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.servers.graph import delta, filters, refusals
from tests.servers.graph.items import MESSAGE_PROPERTIES, Folder, Gone, Message
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.odata import Call, chosen, names, words
from tests.servers.graph.web import Answer

_FOLDER_PROPERTIES = words("id displayName parentFolderId childFolderCount unreadItemCount totalItemCount isHidden")
_DELTA_FILTER = re.compile(r"\s*receivedDateTime\s+(ge|gt)\s+(\S+)\s*")
_SEARCH = re.compile(r'"participants:([^\s"()*:]+)"')
_SEARCHED_AT_MOST = 1000
_DELTA_ORDER = re.compile(r"\s*receivedDateTime\s+desc\s*", re.IGNORECASE)


# Folders.


def list_folders(call: Call, mailbox: Mailbox) -> Answer:
    """`/users/x/mailFolders`: right below the root."""
    return _folders(call, mailbox, mailbox.root)


def list_child_folders(call: Call, mailbox: Mailbox, folder: str) -> Answer:
    """`/users/x/mailFolders/y/childFolders`."""
    return _folders(call, mailbox, mailbox.folder(folder))


def get_folder(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/mailFolders/y`, by id or well-known name."""
    return Answer(200, _folder_text(call, mailbox, mailbox.folder(keys[-1])).encode())


def folders_delta(call: Call, mailbox: Mailbox) -> Answer:
    """`/users/x/mailFolders/delta`: of all levels."""
    owner = mailbox.user.id
    return delta.page(
        call,
        delta.Tracked(
            resource="folders",
            path=f"/users('{owner}')/mailFolders/delta",
            context="Collection(mailFolder)",
            sequence=mailbox.sequence,
            start=lambda _: [folder for folder in mailbox.folders.values() if folder.parent is not None],
            changes=lambda _, since: list({f.id: f for seq, f in mailbox.folder_journal if seq > since}.values()),
            show=lambda asked, folder: _changed_folder(asked, mailbox, folder),
        ),
        mailbox.tokens,
        mailbox.link_expiry,
    )


def _changed_folder(call: Call, mailbox: Mailbox, folder: Folder) -> str:
    if folder.deleted:
        return json.dumps({"id": folder.id, "@removed": {"reason": "deleted"}})
    return _folder_text(call, mailbox, folder)


def _folders(call: Call, mailbox: Mailbox, parent: Folder) -> Answer:
    hidden = call.query.get("includeHiddenFolders", "").lower() == "true"
    found = mailbox.children(parent, hidden=hidden)
    if "$filter" in call.query:
        test = filters.compiled(call.query["$filter"])
        found = [folder for folder in found if test(_folder_entity(mailbox, folder))]
    texts = [_folder_text(call, mailbox, folder) for folder in found]
    return collection(call, f"users('{mailbox.user.id}')/mailFolders", texts)


def _folder_text(call: Call, mailbox: Mailbox, folder: Folder) -> str:
    entity = _folder_entity(mailbox, folder)
    return json.dumps(chosen(entity, names(call.query.get("$select")), _FOLDER_PROPERTIES, "mailFolder"))


def _folder_entity(mailbox: Mailbox, folder: Folder) -> dict[str, Any]:
    entity: dict[str, Any] = {"@odata.type": "#microsoft.graph.mailSearchFolder"} if folder.search else {}
    return entity | {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent.id if folder.parent else mailbox.root.id,
        "childFolderCount": len(mailbox.children(folder)),
        "unreadItemCount": sum(not message.fields["isRead"] for message in folder.messages.values()),
        "totalItemCount": len(folder.messages),
        "isHidden": folder.hidden,
    }


# Messages.


def list_messages(call: Call, mailbox: Mailbox) -> Answer:
    """`/users/x/messages`: of every folder."""
    return _messages(call, mailbox, mailbox.messages())


def list_folder_messages(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/mailFolders/y/messages`."""
    return _messages(call, mailbox, list(mailbox.folder(keys[-1]).messages.values()))


def get_message(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/messages/y`, and the same below a folder."""
    message = _in_folder(mailbox, keys)
    text = message.text(call, alone=True)
    head = f'{{"@odata.context":"{call.base}/$metadata#users(\'{mailbox.user.id}\')/messages/$entity",'
    return Answer(200, (head + text[1:]).encode("utf-8", "replace"), _applied(call))


def get_mime(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/messages/y/$value`: the octets."""
    return Answer(200, _in_folder(mailbox, keys).raw, {"Content-Type": "text/plain"})


def list_attachments(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/messages/y/attachments`."""
    message = _in_folder(mailbox, keys)
    item = message.immutable_id if call.immutable else message.id
    texts = [json.dumps(one) for one in message.list_attachments(item, call.query.get("$select"))]
    return collection(call, f"users('{mailbox.user.id}')/messages('{item}')/attachments", texts)


def get_attachment(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/messages/y/attachments/z`."""
    message = _in_folder(mailbox, keys[:-1])
    for item in (message.id, message.immutable_id):
        for one in message.list_attachments(item, call.query.get("$select")):
            if one["id"] == keys[-1]:
                return Answer.of(one)
    raise refusals.item_not_found()


def messages_delta(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/mailFolders/y/messages/delta`: what changed in one folder."""
    folder = mailbox.folder(keys[-1])
    _check_delta(call)
    return delta.page(
        call,
        delta.Tracked(
            resource=folder.id,
            path=f"/users('{mailbox.user.id}')/mailFolders('{folder.id}')/messages/delta",
            context="Collection(message)",
            sequence=mailbox.sequence,
            start=lambda asked: _first_round(asked, folder, mailbox.filtered_at_most),
            changes=lambda asked, since: _later_round(asked, folder, since),
            show=lambda asked, entry: _changed_message(asked, folder, entry),
        ),
        mailbox.tokens,
        mailbox.link_expiry,
    )


def _check_delta(call: Call) -> None:
    allowed = (
        ("$filter", _DELTA_FILTER.fullmatch(call.query.get("$filter", "receivedDateTime ge x"))),
        ("$orderby", _DELTA_ORDER.fullmatch(call.query.get("$orderby", "receivedDateTime desc"))),
        ("$search", "$search" not in call.query),
        ("$skip", "$skip" not in call.query),
    )
    wrong = [name for name, fine in allowed if not fine]
    if wrong:
        raise refusals.bad_request(
            f"The following parameters are not supported with change tracking over the 'Messages' resource: {wrong}.",
            "ErrorInvalidUrlQuery",
        )
    if call.query.get("changeType", "created") not in ("created", "updated", "deleted"):
        raise refusals.bad_request("Invalid value for changeType.", "ErrorInvalidUrlQuery")


def _first_round(call: Call, folder: Folder, at_most: int) -> Sequence[Message]:
    """All that a first round lists: without $orderby in no order, with $filter only so many."""
    if "$orderby" in call.query:
        found = sorted(folder.messages.values(), key=lambda message: message.received, reverse=True)
    else:
        found = sorted(folder.messages.values(), key=lambda message: message.number * 2654435761 % 2**32)
    if "$filter" in call.query:
        return [message for message in found if _is_young(call, message)][:at_most]
    return found


def _later_round(call: Call, folder: Folder, since: int) -> Sequence[Message | Gone]:
    return [entry for entry in folder.since(since, immutable=call.immutable) if _is_wanted(call, entry, since)]


def _is_wanted(call: Call, entry: Message | Gone, since: int) -> bool:
    if isinstance(entry, Gone):
        return call.query.get("changeType", "deleted") == "deleted"
    what = "created" if entry.entered > since else "updated"
    return call.query.get("changeType", what) == what and ("$filter" not in call.query or _is_young(call, entry))


def _is_young(call: Call, message: Message) -> bool:
    how, since = _DELTA_FILTER.fullmatch(call.query["$filter"]).groups()  # type: ignore[union-attr]  # checked before
    bound, received = filters.moment(since), datetime.fromisoformat(message.received)
    return received > bound if how == "gt" else received >= bound


def _changed_message(call: Call, folder: Folder, entry: Message | Gone) -> str | None:
    if isinstance(entry, Gone):
        gone = {"id": entry.immutable_id if call.immutable else entry.id}
        reason = call.tenant.faults.removed_reason
        return json.dumps({"@odata.type": "#microsoft.graph.message", **gone, "@removed": {"reason": reason}})
    return entry.text(call, alone=False, typed=True) if entry.number in folder.messages else None


def _messages(call: Call, mailbox: Mailbox, found: Sequence[Message]) -> Answer:
    found = _sorted(call, _filtered(call, found))
    texts = [message.text(call, alone=False) for message in _window(call, found)]
    return collection(call, f"users('{mailbox.user.id}')/messages", texts, total=len(found))


def _filtered(call: Call, found: Sequence[Message]) -> Sequence[Message]:
    if "$search" in call.query:
        return _searched(call, found)
    text = call.query.get("$filter")
    if text is None:
        return found
    test = filters.compiled(text)
    return [message for message in found if test(_filterable(message))]


def _searched(call: Call, found: Sequence[Message]) -> Sequence[Message]:
    """`$search` by participants, the only kind there is here: from, to, cc and bcc. Reply-To is none of them."""
    for option in ("$filter", "$orderby"):
        if option in call.query:
            message = f"The query parameter '{option}' is not supported with '$search'."
            raise refusals.bad_request(message, f"SearchWith{'Filter' if option == '$filter' else 'OrderBy'}")
    wanted = _SEARCH.fullmatch(call.query["$search"])
    if wanted is None:
        raise refusals.Refuse(501, "NotImplemented", "This simulator searches for participants only.")
    newest = sorted(found, key=lambda message: message.received, reverse=True)
    return [message for message in newest if wanted[1].lower() in _participants(message)][:_SEARCHED_AT_MOST]


def _participants(message: Message) -> set[str]:
    whole = message.whole()
    fields = [whole.get(name) or [] for name in ("from", "toRecipients", "ccRecipients", "bccRecipients")]
    people = [one for field in fields for one in (field if isinstance(field, list) else [field])]
    return {str(person["emailAddress"].get("address", "")).lower() for person in people}


def _filterable(message: Message) -> dict[str, Any]:
    whole = message.whole()
    whole["singleValueExtendedProperties"] = [{"id": k, "value": v} for k, v in whole.pop("extended").items()]
    return whole


def _sorted(call: Call, found: Sequence[Message]) -> Sequence[Message]:
    """By `$orderby`, else the newest first. What it orders by must come first in `$filter`, in the same order."""
    order = call.query.get("$orderby")
    if order is None:
        return sorted(found, key=lambda message: message.received, reverse=True)
    wanted = [path for path, _ in filters.order(order)]
    compared = list(dict.fromkeys(filters.properties(call.query.get("$filter", ""))))
    if compared and compared[: len(wanted)] != wanted:
        raise refusals.bad_request("The restriction or sort order is too complex.", "InefficientFilter")
    return filters.ordered(found, order, _filterable)


def _window(call: Call, found: Sequence[Any]) -> Sequence[Any]:
    skip = call.number("$skip", 0, 10**9)
    return found[skip : skip + call.page_size(10, 1000)]


def collection(call: Call, context: str, texts: Sequence[str], *, total: int | None = None) -> Answer:
    """A page of a collection. total: how many there are if `texts` is the page already; else it is cut here."""
    page = texts if total is not None else _window(call, texts)
    total = len(texts) if total is None else total
    reached = call.number("$skip", 0, 10**9) + len(page)
    head = f'{{"@odata.context":"{call.base}/$metadata#{context}",'
    if call.query.get("$count", "").lower() == "true":
        head += f'"@odata.count":{total},'
    if reached < total:
        head += f'"@odata.nextLink":{json.dumps(call.link(skip=str(reached)))},'
    return Answer(200, (head + '"value":[' + ",".join(page) + "]}").encode("utf-8", "replace"), _applied(call))


def _applied(call: Call) -> dict[str, str]:
    if "outlook.body-content-type" not in call.prefer:
        return {}
    return {"Preference-Applied": f'outlook.body-content-type="{call.prefer["outlook.body-content-type"]}"'}


def _in_folder(mailbox: Mailbox, keys: Sequence[str]) -> Message:
    """The message that the last key names; if folders are named too, it must stand in the last of them."""
    message = mailbox.message(keys[-1])
    if len(keys) > 1 and mailbox.folder(keys[-2]) is not message.folder:
        raise refusals.item_not_found()
    return message


# What an owner, or an application that may write, does.


def change_message(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """PATCH: isRead, categories, flag and the like."""
    message, wanted = _in_folder(mailbox, keys), call.json()
    for name in wanted:
        if name not in MESSAGE_PROPERTIES:
            raise refusals.unknown_property(name, "message")
    mailbox.change(message, **wanted)
    return get_message(replace(call, query={}), mailbox, keys[-1])


def move_message(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """POST .../move {"destinationId": ...}."""
    moved = mailbox.move(_in_folder(mailbox, keys), str(call.json().get("destinationId", "")))
    return Answer.of(moved.show(replace(call, query={}), alone=True), 201)


def delete_message(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """DELETE: into Deleted Items; for ever if it stands there."""
    message = _in_folder(mailbox, keys)
    mailbox.delete(message, soft=message.folder.known_as != "deleteditems")
    return Answer(204)


def get_settings(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/mailboxSettings`, or one of them: `/users/x/mailboxSettings/automaticRepliesSetting`."""
    context = {"@odata.context": f"{call.base}/$metadata#users('{mailbox.user.id}')/mailboxSettings"}
    if not keys:
        return Answer.of(
            context | chosen(mailbox.settings, names(call.query.get("$select")), _SETTINGS, "mailboxSettings")
        )
    value = mailbox.settings.get(keys[0])
    if value is None:
        raise refusals.unknown_segment(keys[0])
    return Answer.of(context | (value if isinstance(value, dict) else {"value": value}))


_SETTINGS = words(
    "archiveFolder automaticRepliesSetting dateFormat delegateMeetingMessageDeliveryOptions language timeFormat"
    " timeZone userPurpose workingHours"
)
