"""Our mark on a calendar item of an Exchange mailbox, the same through Microsoft Graph and through EWS.

Both connectors write the same named property of the same property set with the same value, so an item made by one is
found by the other after a mailbox has moved from Exchange Server to Exchange Online.
"""

PROPERTY_SET = "2d5e2f0c-6f0b-4c0e-9f9a-5b1c3f7a9d41"
"""The GUID of our property set."""
PROPERTY_NAME = "CrmReminder"
"""A string. Its value is the uid of the item (`<keyed hash>@<installation>`), so that it can be asked for by `eq`."""
BIRTH_NAME = "CrmReminderBirth"
"""A string, different for each attempt to create an item: who finds another one than the own came second."""
ZONE_NAME = "CrmReminderZone"
"""A string. The IANA zone of the start: several of them share a zone of Windows, which is what Exchange keeps."""
LONGEST_VALUE = 255
"""Characters that a property can be filtered by on every version of Exchange."""

GRAPH_ID = f"String {{{PROPERTY_SET}}} Name {PROPERTY_NAME}"
GRAPH_ZONE_ID = f"String {{{PROPERTY_SET}}} Name {ZONE_NAME}"
GRAPH_BIRTH_ID = f"String {{{PROPERTY_SET}}} Name {BIRTH_NAME}"


def reminder_of(uid: str) -> str:
    """The keyed hash of a reminder, from the value of our property."""
    return uid.partition("@")[0]
