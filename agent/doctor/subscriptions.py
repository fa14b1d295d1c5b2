"""Looks at the links to subscribe to: whether their server can listen, or does, and whether anybody has one."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import HTTPServer
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

from agent.doctor.examine import Look
from agent.doctor.finding import Said, failed, fine, skipped, warning
from agent.doctor.storage import StoreVisit
from agent.store.calendar import feed_links
from config.model import Feed

_PATIENCE = 5.0
"""Seconds for whoever listens there already."""


@dataclass(frozen=True, kw_only=True)
class FeedVisit:
    """feed: where links are served; store: after its looks."""

    feed: Feed
    store: StoreVisit


def _listens(visit: FeedVisit) -> Said:
    place = f"{visit.feed.host}, port {visit.feed.port}"
    with socket(AF_INET6 if ":" in visit.feed.host else AF_INET, SOCK_STREAM) as attempt:
        attempt.setsockopt(SOL_SOCKET, SO_REUSEADDR, HTTPServer.allow_reuse_address)
        try:
            attempt.bind((visit.feed.host, visit.feed.port))
        except OSError as error:
            return fine(f"served at {place}") if _is_ours(visit.feed) else judge_refusal(place, error.errno)
    return fine(f"{place} is free: `crm-agent run` serves there")


def judge_refusal(place: str, reason: int | None) -> Said:
    """reason: an errno of bind(2). Pure."""
    match reason:
        case errno.EADDRINUSE:
            return failed(f"another program listens at {place}", "end it, or write another reminders.feed.port")
        case errno.EADDRNOTAVAIL:
            return failed(f"{place}: no such address here", "write an address of this machine as reminders.feed.host")
        case errno.EACCES:
            return failed(f"{place}: not allowed", "write a reminders.feed.port from 1024 on")
        case _:
            return failed(f"nobody can listen at {place}", "correct reminders.feed.host and port")


def _is_ours(feed: Feed) -> bool:
    """Whether a daemon of ours serves there: it says 404 to whatever is no link, and asks not to be indexed."""
    connection = HTTPConnection(feed.host, feed.port, timeout=_PATIENCE)
    try:
        connection.request("HEAD", "/")
        answer = connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return answer.status == 404 and answer.headers["X-Robots-Tag"] == "noindex"


def _links(visit: FeedVisit) -> Said:
    if not visit.store.is_current:
        return skipped("waits for: schema of database")
    with visit.store.opened[0].read() as connection:
        count = feed_links.count(connection)
    if not count:
        return warning("nobody has a link", "make one with `crm-agent reminders feed-link ADDR`")
    return fine(f"{count} links" if count > 1 else "1 link")


LOOKS: Sequence[Look[FeedVisit]] = (Look(check="listens", at=_listens), Look(check="links", at=_links))
