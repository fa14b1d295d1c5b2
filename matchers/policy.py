"""What the chain must know of the firm and its wishes: who we are, what is never kept, since when."""

import re
from dataclasses import dataclass, field
from datetime import date
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING

from connectors.message import Flags
from matchers.address import Normal, normalise
from matchers.addrspec import fold_domain
from matchers.match import Reason

if TYPE_CHECKING:
    from config.model import Mailbox, Policy

_SKIPPABLE = frozenset({Reason.INTERNAL_ONLY, Reason.BULK, Reason.AUTO_REPLY, Reason.BOUNCE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """Our side of a mail.

    addresses: match keys of the mailbox's address and aliases, never its username. domains: the firm's, folded.
    colleagues: match keys of the firm's other mailboxes, for those outside the firm's domains.
    """

    addresses: frozenset[str]
    domains: frozenset[str] = frozenset()
    colleagues: frozenset[str] = frozenset()

    def has(self, normal: Normal) -> bool:
        """Whether this address is the mailbox's own, a colleague's, or under one of the firm's domains itself."""
        key = normal.match_key
        return normal.domain in self.domains or key in self.addresses or key in self.colleagues

    def is_above(self, domain: str) -> bool:
        """Whether the domain lies below one of the firm's: ours, unless a contact holds the address."""
        return domain.endswith(_below(self.domains))


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchPolicy:
    """The firm's wishes. since: the floor on server dates, None for no floor.

    skip: which of internal-only, bulk, auto-reply and bounce are active. never_log: addresses and globs, as written.
    log_names: a full name at its company's domain is enough, else somebody is asked. read_forwards: look into what our
    own people forward.
    """

    skip: frozenset[Reason] = _SKIPPABLE
    never_log: tuple[str, ...] = ()
    log_category: str = "CRM"
    private_category: str = "Private"
    remove_category: str = "Not CRM"
    since: date | None = None
    log_names: bool = True
    read_forwards: bool = True


@lru_cache(maxsize=64)
def _below(domains: frozenset[str]) -> tuple[str, ...]:
    return tuple("." + domain for domain in domains)


def own_of(mailbox: "Mailbox", domains: tuple[str, ...], team: tuple["Mailbox", ...] = ()) -> Own:
    """Our side as one mailbox sees it; `team` is every mailbox of the firm."""
    return Own(
        addresses=_keys(mailbox),
        domains=frozenset(map(fold_domain, domains)),
        colleagues=frozenset(key for other in team for key in _keys(other)),
    )


def _keys(mailbox: "Mailbox") -> frozenset[str]:
    return frozenset(normalise(address).match_key for address in (mailbox.address, *mailbox.aliases)) - {""}


def policy_of(policy: "Policy", since: date | None) -> MatchPolicy:
    """The part of the configured policy that decides about a message."""
    return MatchPolicy(
        skip=frozenset(Reason(name) for name in policy.skip),
        never_log=policy.never_log,
        log_category=policy.categories.log,
        private_category=policy.categories.private,
        remove_category=policy.categories.remove,
        since=since,
        log_names=policy.match_names == "log",
        read_forwards=policy.read_forwards,
    )


@lru_cache(maxsize=4096)
def _fold_category(name: str) -> str:
    """Mail programs write `Not CRM` as the IMAP keyword `not_crm` or `NotCRM`: keywords know no space."""
    return re.sub(r"[\s_$-]", "", name).casefold()


def has_category(flags: Flags, name: str) -> bool:
    """Whether the salesperson put this category on the message, in any of its spellings. '' is no category."""
    if not flags.categories or not name:
        return False
    folded = _fold_category(name)
    return any(_fold_category(category[:200]) == folded for category in flags.categories)


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverLog:
    """The never-log patterns, sorted by how they are asked: whole addresses, whole domains, other globs."""

    keys: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    globs: tuple[re.Pattern[str], ...] = field(default=())

    def names(self, normal: Normal) -> bool:
        """Whether a pattern names this address, in its normalised form or as its provider's mailbox."""
        if normal.match_key in self.keys or normal.domain in self.domains:
            return True
        return any(glob.fullmatch(normal.normalised) or glob.fullmatch(normal.match_key) for glob in self.globs)


@lru_cache(maxsize=64)
def never_log(patterns: tuple[str, ...]) -> NeverLog:
    """Reads the patterns once: `anna@x.example`, `*@x.example`, `x.example`, or any other glob. Case is ignored."""
    keys, domains, globs = set(), set(), []
    for pattern in (p.strip().lower() for p in patterns):
        local, _, domain = pattern.rpartition("@")
        if not domain or _is_glob(domain) or (_is_glob(local) and local != "*"):
            globs.append(re.compile(translate(f"{local}@{domain}" if local else domain)))
        elif local in ("", "*"):
            domains.add(fold_domain(domain))
        else:
            keys.add(normalise(pattern).match_key)
    return NeverLog(keys=frozenset(keys), domains=frozenset(domains), globs=tuple(globs))


def _is_glob(text: str) -> bool:
    return any(c in text for c in "*?[")
