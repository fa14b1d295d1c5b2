"""A CalDAV server of a test module's own, without sign-in, and a calendar program that works on it."""

import re
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

import requests

from connectors.event import FoundEvent
from tests.servers.process import answers, end, free_port, spawn, wait_until

CALENDAR = (
    '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
    "<d:displayname>Reminders</d:displayname></d:prop></d:set></c:mkcalendar>"
)
PLAIN = {"Content-Type": "text/calendar; charset=utf-8"}


class PlainRadicale:
    """Radicale on loopback that lets everybody in. `url` ends with a slash."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        config, log = folder / "config", folder / "log"
        config.write_text(
            f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n[storage]\nfilesystem_folder = {folder}/data\n"
            "[rights]\ntype = authenticated\n"
        )
        self._process = spawn([sys.executable, "-m", "radicale", "--config", str(config)], log)
        wait_until(lambda: answers(port), self._process, log)
        self.url = f"http://127.0.0.1:{port}/"

    def close(self) -> None:
        end(self._process)


def make_calendar(server: str, name: str) -> str:
    """A new calendar collection; returns its URL."""
    url = f"{server}anna/{name}/"
    answer = requests.request("MKCALENDAR", url, data=CALENDAR, auth=("anna", "pw"), timeout=10)
    assert answer.status_code == 201, answer.text
    return url


class DavDesk:
    """A calendar program that saves without conditions."""

    def __init__(self, url: str) -> None:
        self._url = url

    def text(self, found: FoundEvent) -> str:
        content = self._ask("GET", urljoin(self._url, found.href)).content.decode()
        return content.replace("\r\n", "\n").replace("\n ", "").replace("\n", "\r\n")

    def replace(self, found: FoundEvent, text: str) -> None:
        self._ask("PUT", urljoin(self._url, found.href), text)

    def add(self, name: str, text: str) -> None:
        self._ask("PUT", self._url + quote(name), text)

    def remove(self, found: FoundEvent) -> None:
        self._ask("DELETE", urljoin(self._url, found.href))

    def names(self) -> set[str]:
        body = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>'
        answer = self._ask("PROPFIND", self._url, body, {"Depth": "1", "Content-Type": "application/xml"})
        hrefs = re.findall(r"<[^/>]*href>([^<]*)<", answer.text)
        return {unquote(href.rpartition("/")[2]) for href in hrefs if not href.endswith("/")}

    def _ask(self, method: str, url: str, body: str = "", headers: dict[str, str] | None = None) -> requests.Response:
        answer = requests.request(
            method, url, data=body.encode(), headers=headers or PLAIN, auth=("anna", "pw"), timeout=10
        )
        assert answer.status_code < 300, answer.text
        return answer
