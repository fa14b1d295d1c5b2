"""Undoes what RFC 5322 lets people put around an address: comments, quotes, routes, white space (section 3.4, 4.4).

Called by `matchers.address` for the spellings that its fast path does not know. Promises an answer for every
text: what makes no sense loses the characters that made none.
"""

import ipaddress
import re
import unicodedata

import idna

_SPECIALS = re.compile(r'[\s()<>\[\]:;@\\,"]')
_PREFIXES = ("mailto:", "smtp:", "x500:", "ex:")
_ROUNDS = 8
"""Folding and parsing are repeated until nothing changes; real spellings need two rounds, hostile ones get eight."""

Scanned = list[tuple[str, bool]]
"""The characters that matter, each with whether it stood in quotes."""


def is_x500(text: str) -> bool:
    """Whether a folded address is an Exchange distinguished name (`/o=firm/ou=…/cn=…`) instead of a mailbox."""
    return text.startswith(("/o=", "/cn="))


def canonical(raw: str) -> tuple[str, str]:
    """The one spelling of an address as (local part, domain), folded; ('', text) never stands for a mailbox.

    An X.500 name is (name, ''). A local part that needs quotes keeps them, so the spelling reads back the same.
    """
    text = raw
    for _ in range(_ROUNDS):
        local, domain = _parse(_fold(text))
        again = f"{local}@{domain}" if domain else local
        if again == text:
            return local, domain
        text = again
    return "", ""


def fold_domain(domain: str) -> str:
    """A domain in lower case and in its ASCII form (RFC 5891, mapped as in UTS 46); odd labels stay as they are."""
    bare = domain.strip(" .,;:'\"<>`").lower()
    if bare.isascii():
        return bare
    try:
        bare = idna.uts46_remap(bare, std3_rules=False)
    except (idna.IDNAError, UnicodeError):
        bare = unicodedata.normalize("NFKC", bare).lower()
    return ".".join(_fold_label(label) for label in bare.strip(".").split("."))


def _fold_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return label


def _fold(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf") or c.isspace())
    return text.lower()


def _parse(text: str) -> tuple[str, str]:
    text = _unwrap(text)
    if is_x500(text):
        return " ".join(text.split()), ""
    scanned = _scan(text)
    if scanned is None:
        scanned = [(c, False) for c in text if c not in '"()<>\\' and not c.isspace()]
    return _split(scanned)


def _unwrap(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].strip()
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text


def _split(scanned: Scanned) -> tuple[str, str]:
    scanned = _without_route(scanned)
    at = max((i for i, pair in enumerate(scanned) if pair == ("@", False)), default=-1)
    if at < 0:
        return _quoted(_join(scanned)), ""
    local = _join(scanned[:at])
    if wrapped := _unwrapped_x500(local):
        return " ".join(_fold(wrapped).split()), ""
    return _quoted(local), _domain(_join(scanned[at + 1 :]))


def _without_route(scanned: Scanned) -> Scanned:
    """Drops the obsolete source route of `@one,@two:local@domain`."""
    if scanned[:1] == [("@", False)] and (":", False) in scanned:
        return scanned[scanned.index((":", False)) + 1 :]
    return scanned


def _join(scanned: Scanned) -> str:
    return "".join(character for character, _ in scanned)


def _quoted(local: str) -> str:
    if not local or not _SPECIALS.search(local):
        return local
    return '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ESCAPE = re.compile(r"\+([0-9a-f]{2})")


def _unwrapped_x500(local: str) -> str:
    """The distinguished name behind `IMCEAEX-_o=Firm_ou=…+20…`, as Exchange writes it for other servers; else ''.

    `_` stands for `/`, and `+` with two hexadecimal digits for any other character ([MS-OXCMAIL] 2.1.3.2.1).
    """
    if not local.startswith("imceaex-_"):
        return ""
    name = local.removeprefix("imceaex-").replace("_", "/")
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)


def _domain(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        return f"[{_literal(text[1:-1])}]"
    return fold_domain(_SPECIALS.sub("", text))


def _literal(text: str) -> str:
    if not text.startswith("ipv6:"):
        return _SPECIALS.sub("", text)
    try:
        return f"ipv6:{ipaddress.IPv6Address(text[5:])}"
    except ValueError:
        return "ipv6:" + re.sub(r"[^0-9a-f:.]", "", text[5:])


def _scan(text: str) -> Scanned | None:
    """Reads quotes, comments and angle brackets; None if one of them is not closed."""
    out: Scanned = []
    depth, quoted, escaped = 0, False, False
    for c in text:
        if escaped:
            escaped = False
            if not depth:
                out.append((c, True))
        elif c == "\\":
            escaped = True
        elif quoted:
            quoted = c != '"'
            if quoted:
                out.append((c, True))
        elif c == "(":
            depth += 1
        elif c == ")" and depth:
            depth -= 1
        elif depth or c.isspace():
            continue
        elif c == '"':
            quoted = True
        elif c == "<":
            out = []
        elif c == ">":
            break
        else:
            out.append((c, False))
    return None if quoted or depth or escaped else out
