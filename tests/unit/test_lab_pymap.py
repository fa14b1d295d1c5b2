"""The plain server of the lab is as plain as the scenarios need it, and keeps what it is given."""

import imaplib
import ssl
from datetime import UTC, datetime

from tests.servers.pymap import Pymap

MAIL = b"From: bo@customer.example\r\nSubject: Hello\r\n\r\nText\r\n"


def test_it_announces_few_extensions_over_tls_and_starttls(pymap: Pymap) -> None:
    user = pymap.user()
    context = ssl.create_default_context(cafile=str(pymap.ca_file))
    with imaplib.IMAP4_SSL("127.0.0.1", pymap.imaps_port, ssl_context=context) as imap:
        imap.login(user.username, user.password)
        announced = set(imap.capability()[1][0].split())
    assert {b"IDLE", b"UIDPLUS", b"MOVE"} <= announced
    assert not {b"CONDSTORE", b"QRESYNC", b"ESEARCH", b"LIST-STATUS", b"SPECIAL-USE"} & announced
    with imaplib.IMAP4("127.0.0.1", pymap.imap_port) as imap:
        imap.starttls(context)
        assert imap.login(user.username, user.password)[0] == "OK"


def test_its_user_does_what_a_person_does(pymap: Pymap) -> None:
    user = pymap.user(("Sent", 'Año & "x"/日本'))
    uid = user.append("INBOX", MAIL, (r"\Seen",), datetime(2020, 1, 2, tzinfo=UTC))
    assert user.append_many('Año & "x"/日本', ((MAIL, None, ()) for _ in range(20))) == 20
    copied = user.copy(uid, "INBOX", "Sent")
    assert b"Text" in user.fetch("Sent", copied)
    moved = user.move(uid, "INBOX", "Sent")
    assert (user.uids("INBOX"), user.uids("Sent")) == ([], [copied, moved])
    user.flag("Sent", moved, r"\Flagged")
    user.expunge("Sent", copied)
    assert {uid: flags for uid, (flags, _) in user.snapshot()["Sent"].items()} == {moved: {r"\Seen", r"\Flagged"}}
