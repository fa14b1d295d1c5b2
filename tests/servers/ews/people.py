"""The directory: who can be found by name, address or X.500 address ([MS-OXWSRSLNM] 3.1.4.1, [MS-OXOABK])."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Person:
    """An entry of the directory. legacy: its X.500 address (legacyExchangeDN). members: of a distribution list."""

    name: str
    address: str
    legacy: str = ""
    others: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(kw_only=True, eq=False)
class Directory:
    """Everybody who can be found by name or address."""

    people: list[Person] = field(default_factory=list)

    def resolve(self, wanted: str) -> list[Person]:
        """Who is meant: an X.500 address or an SMTP address names one, anything else is the begin of a name."""
        kind, _, rest = wanted.partition(":")
        plain = (rest if kind.lower() in ("smtp", "ex", "sip") and rest else wanted).lower()
        if plain.startswith("/"):
            return [person for person in self.people if person.legacy.lower() == plain]
        exact = [p for p in self.people if plain in {a.lower() for a in (p.address, *p.others)}]
        return exact or [
            p for p in self.people if p.name.lower().startswith(plain) or p.address.lower().startswith(plain)
        ]
