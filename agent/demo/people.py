"""Who the sample team is and whom it sells to. All names and addresses are invented; `.example` never resolves."""

import csv
from dataclasses import dataclass
from pathlib import Path

OWN_DOMAIN = "nordlicht.example"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who writes mail. language: ISO 639-1 code, a key of `phrases.LANGUAGES`."""

    name: str
    email: str
    language: str = "en"

    @property
    def given(self) -> str:
        """The first word of the name, as colleagues use it."""
        return self.name.split()[0]

    @property
    def domain(self) -> str:
        return self.email.partition("@")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Salesperson(Person):
    """One of ours, with a mailbox. timezone: IANA name."""

    timezone: str
    title: str

    @property
    def login(self) -> str:
        """The user name at both servers."""
        return self.email.partition("@")[0].partition(".")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact(Person):
    """A customer, as a line of contacts.csv."""

    company: str
    title: str
    owner: Salesperson
    stage: str = "customer"
    phone: str = ""
    other_emails: tuple[str, ...] = ()
    birthday: str = ""


ANNA = Salesperson(
    name="Anna Berger",
    email=f"anna.berger@{OWN_DOMAIN}",
    language="de",
    timezone="Europe/Vienna",
    title="Vertrieb Alpenraum",
)
BEN = Salesperson(
    name="Ben Carter", email=f"ben.carter@{OWN_DOMAIN}", language="en", timezone="Europe/London", title="Sales, North"
)
CHLOE = Salesperson(
    name="Chloé Martin",
    email=f"chloe.martin@{OWN_DOMAIN}",
    language="fr",
    timezone="Europe/Paris",
    title="Ventes Sud",
)
TEAM = (ANNA, BEN, CHLOE)

SUPPORT = Person(name="Jonas Weber", email=f"jonas.weber@{OWN_DOMAIN}", language="de")
OFFICE = Person(name="Office", email=f"office@{OWN_DOMAIN}")

_ROWS: tuple[tuple[str, str, str, str, Salesperson, str, str], ...] = (
    # name, address, company, title, owner, language, stage
    ("Katrin Hofmann", "k.hofmann@hofmann-kaelte.example", "Hofmann Kältetechnik", "Geschäftsführerin", ANNA, "de", ""),
    ("Tobias Lang", "einkauf.lang@hofmann-kaelte.example", "Hofmann Kältetechnik", "Einkauf", ANNA, "de", ""),
    ("Maria Sonnleitner", "maria@sonnhof.example", "Brauerei Sonnhof", "Braumeisterin", ANNA, "de", ""),
    ("Josef Pichler", "j.pichler@sonnhof.example", "Brauerei Sonnhof", "Technik", ANNA, "de", ""),
    ("Stefan Gruber", "gruber@almtal.example", "Molkerei Almtal", "Betriebsleiter", ANNA, "de", "lead"),
    ("Eva Riedl", "riedl@almtal.example", "Molkerei Almtal", "Qualität", ANNA, "de", ""),
    ("Ulrike Sommer", "ulrike.sommer@blattwerk.example", "Gärtnerei Blattwerk", "Inhaberin", ANNA, "de", ""),
    ("Dr. Peter Nagel", "nagel@apotheke-dom.example", "Apotheke am Dom", "Leiter", ANNA, "de", "lead"),
    ("Małgorzata Kowalska", "m.kowalska@zielony-sad.example", "Zielony Sad", "Zakupy", ANNA, "pl", ""),
    ("Piotr Zieliński", "p.zielinski@zielony-sad.example", "Zielony Sad", "Magazyn", ANNA, "pl", ""),
    ("Robert Fink", "robert.fink@freelance-post.example", "", "Berater", ANNA, "de", "partner"),
    ("Helen Wright", "helen.wright@northmoor.example", "Northmoor Dairies", "Head of Production", BEN, "en", ""),
    ("James Aldous", "j.aldous@northmoor.example", "Northmoor Dairies", "Purchasing", BEN, "en", ""),
    ("Priya Nair", "priya@castlequay.example", "Castle Quay Logistics", "Operations", BEN, "en", ""),
    ("Owen Hughes", "owen@castlequay.example", "Castle Quay Logistics", "Fleet", BEN, "en", ""),
    ("Tom Baxter", "tom@lakeside-greenhouses.example", "Lakeside Greenhouses", "Owner", BEN, "en", "lead"),
    ("Grace Lindqvist", "grace@lakeside-greenhouses.example", "Lakeside Greenhouses", "Grower", BEN, "en", ""),
    ("Ingrid Solheim", "ingrid.solheim@fjordlab.example", "Fjordlab", "Lab manager", BEN, "en", ""),
    ("Lars Moen", "lars.moen@fjordlab.example", "Fjordlab", "Technician", BEN, "en", ""),
    ("Denise Tremblay", "denise@winnipegcold.example", "Winnipeg Cold Storage", "Director", BEN, "en", "lead"),
    ("田中 美咲", "tanaka@sakura-foods.example", "Sakura Foods", "購買部", BEN, "ja", ""),
    ("佐藤 健", "sato@sakura-foods.example", "Sakura Foods", "品質管理", BEN, "ja", ""),
    ("Rachel O'Neill", "rachel.oneill@burren-cheese.example", "Burren Cheese", "Owner", BEN, "en", ""),
    ("Samuel Adeyemi", "s.adeyemi@coastal-pharma.example", "Coastal Pharma", "Validation", BEN, "en", ""),
    ("Luc Moreau", "info@moreau-fils.example", "Moreau & Fils", "Gérant", CHLOE, "fr", ""),
    ("Claire Moreau", "info@moreau-fils.example", "Moreau & Fils", "Comptabilité", CHLOE, "fr", ""),
    ("Sophie Girard", "s.girard@moreau-fils.example", "Moreau & Fils", "Achats", CHLOE, "fr", ""),
    ("Antoine Lefèvre", "antoine.lefevre@laiterie-du-val.example", "Laiterie du Val", "Directeur", CHLOE, "fr", ""),
    ("Nadia Benali", "nadia.benali@laiterie-du-val.example", "Laiterie du Val", "Qualité", CHLOE, "fr", ""),
    ("Hélène Dubois", "h.dubois@serres-midi.example", "Serres du Midi", "Achats", CHLOE, "fr", "lead"),
    ("Carmen Ruiz", "carmen.ruiz@bodegas-aranda.example", "Bodegas Aranda", "Enóloga", CHLOE, "es", ""),
    ("Javier Ortega", "j.ortega@bodegas-aranda.example", "Bodegas Aranda", "Compras", CHLOE, "es", ""),
    ("Lucía Fernández", "lucia@frutasdelsur.example", "Frutas del Sur", "Gerente", CHLOE, "es", ""),
    ("Miguel Santos", "miguel@frutasdelsur.example", "Frutas del Sur", "Almacén", CHLOE, "es", ""),
    ("Giulia Rossi", "giulia@cantina-rossi.example", "Cantina Rossi", "Titolare", CHLOE, "it", ""),
    ("Marco Bianchi", "m.bianchi@cantina-rossi.example", "Cantina Rossi", "Tecnico", CHLOE, "it", ""),
    ("Elena Conti", "elena.conti@farmacia-conti.example", "Farmacia Conti", "Titolare", CHLOE, "it", "lead"),
    ("Inés Almeida", "ines@quinta-verde.example", "Quinta Verde", "Producción", CHLOE, "es", ""),
    ("Beatriz Costa", "beatriz@quinta-verde.example", "Quinta Verde", "Compras", CHLOE, "es", ""),
)

_MORE: dict[str, tuple[str, tuple[str, ...], str]] = {
    # name: phone, other addresses, birthday
    "Katrin Hofmann": ("+43 662 555 0101", ("hofmann.katrin@mobil-post.example",), "1974-05-17"),
    "Helen Wright": ("+44 113 496 0112", (), "1981-11-03"),
    "Antoine Lefèvre": ("+33 1 99 00 12 34", ("a.lefevre@ancienne-laiterie.example",), ""),
    "Carmen Ruiz": ("+34 900 000 123", (), "1979-02-28"),
}


def _contact(row: tuple[str, str, str, str, Salesperson, str, str]) -> Contact:
    name, email, company, title, owner, language, stage = row
    phone, others, birthday = _MORE.get(name, ("", (), ""))
    return Contact(
        name=name,
        email=email,
        company=company,
        title=title,
        owner=owner,
        language=language,
        stage=stage or "customer",
        phone=phone,
        other_emails=others,
        birthday=birthday,
    )


CONTACTS = tuple(_contact(row) for row in _ROWS)


def contact(name: str) -> Contact:
    """The contact of that name. Raises KeyError if nobody is called so."""
    for one in CONTACTS:
        if one.name == name:
            return one
    raise KeyError(name)


def write_contacts(path: Path) -> None:
    """The address book as the CSV file that `crm-agent contacts import` reads."""
    columns = ["name", "email", "other_emails", "phone", "company", "company_domain", "title", "owner", "stage"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, "birthday", "external_id", "language"])
        for number, one in enumerate(CONTACTS, start=1):
            writer.writerow(
                [
                    one.name,
                    one.email,
                    ";".join(one.other_emails),
                    one.phone,
                    one.company,
                    one.domain if one.company else "",
                    one.title,
                    one.owner.email,
                    one.stage,
                    one.birthday,
                    f"CRM-{number:04}",
                    one.language,
                ]
            )
