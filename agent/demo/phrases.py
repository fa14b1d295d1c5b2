"""What people of the sample world say to each other: short letters in seven languages, by what they are for.

Keys: `ask`, `thanks`, `order`, `more`, `problem` come from customers, `quote`, `answer`, `confirm`, `solved`, `offer`
from us. Ours ask for nothing, so that no follow-up arises by accident; the open questions are in `scenes`.
`{item}` is the product, `{number}` a running number.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """How letters look in one language. reply: prefix of an answer. wrote: the line above a quote."""

    reply: str
    hello: str
    regards: str
    wrote: str
    subjects: tuple[str, ...]
    letters: dict[str, tuple[str, ...]]


PRODUCTS: Final = ("DL-40", "DL-80 Pro", "HygroSense 3", "ColdChain 12", "SoilProbe S", "CO2-Guard")

_GERMAN = Language(
    reply="AW: ",
    hello="Guten Tag {name},",
    regards="Freundliche Grüße",
    wrote="Am {date} schrieb {name}:",
    subjects=("Anfrage {item}", "Lieferzeit {item}", "Kalibrierung {item}", "Angebot Nr. {number}"),
    letters={
        "ask": (
            "wir möchten zwei weitere Kühlräume überwachen. Was kosten vier {item} mit Kalibrierschein?",
            "bei uns steht der Umbau an. Können Sie uns ein Angebot für zehn {item} machen?",
        ),
        "quote": (
            "vielen Dank für Ihre Anfrage. Das Angebot für {item} finden Sie im Anhang, gültig vier Wochen.",
            "gerne: {item} ist ab Lager lieferbar, der Preis steht im angehängten Angebot.",
        ),
        "more": ("passt der Fühler auch in die alten Halterungen?", "ist der Kalibrierschein im Preis enthalten?"),
        "answer": ("ja, das passt ohne Umbau.", "ja, beides ist enthalten, auch der Versand."),
        "order": ("das passt für uns, wir bestellen wie angeboten.", "einverstanden, bitte einmal wie im Angebot."),
        "confirm": ("die Bestellung ist eingegangen, geliefert wird am Donnerstag.", "danke, die Ware ist unterwegs."),
        "problem": ("seit heute früh meldet {item} minus 40 Grad, obwohl der Raum bei vier Grad liegt.",),
        "solved": ("das war ein loser Stecker am Fühler; ein Ersatzteil geht heute kostenlos an Sie hinaus.",),
        "offer": ("die neue Version von {item} ist da. Das Datenblatt hängt an, wie besprochen.",),
        "thanks": ("vielen Dank, das hat geholfen!", "danke für die schnelle Antwort."),
    },
)
_ENGLISH = Language(
    reply="Re: ",
    hello="Hi {name},",
    regards="Best regards",
    wrote="On {date}, {name} wrote:",
    subjects=("Question about {item}", "Quote {number}", "{item} for the new cold store", "Delivery of {item}"),
    letters={
        "ask": (
            "we are fitting out a second store and need six {item}. What would that come to, with certificates?",
            "our auditor wants continuous records from January. Can {item} do that out of the box?",
        ),
        "quote": (
            "thank you for getting in touch. The quote for {item} is attached and holds for four weeks.",
            "happy to help: {item} is in stock, the attached quote has all the figures.",
        ),
        "more": ("does it work with the brackets we have?", "is calibration included in that price?"),
        "answer": ("yes, the same brackets fit.", "yes, calibration and shipping are included."),
        "order": ("that works for us, please go ahead as quoted.", "approved: one set as quoted. PO attached."),
        "confirm": ("your order is booked and ships on Thursday.", "thank you, the parcel has left our warehouse."),
        "problem": ("since this morning {item} reads minus 40 although the room is at four degrees.",),
        "solved": ("it was a loose probe connector; a replacement leaves today, free of charge.",),
        "offer": ("the new {item} is out. The data sheet is attached, as promised on the phone.",),
        "thanks": ("perfect, thanks a lot!", "thanks, that did it."),
    },
)
_FRENCH = Language(
    reply="RE: ",
    hello="Bonjour {name},",
    regards="Bien cordialement",
    wrote="Le {date}, {name} a écrit :",
    subjects=("Demande de prix {item}", "Devis n° {number}", "Étalonnage {item}", "Délai de livraison {item}"),
    letters={
        "ask": (
            "nous équipons une nouvelle chambre froide. Quel serait le prix de huit {item} avec certificat ?",
            "pouvez-vous nous envoyer un devis pour cinq {item} ?",
        ),
        "quote": ("merci de votre demande. Le devis pour {item} est en pièce jointe, valable quatre semaines.",),
        "more": ("la sonde est-elle compatible avec nos anciens supports ?", "le transport est-il compris ?"),
        "answer": ("oui, sans adaptation.", "oui, tout est compris."),
        "order": ("c'est parfait, nous passons commande selon votre devis.",),
        "confirm": ("votre commande est enregistrée, livraison jeudi.", "merci, le colis est parti ce matin."),
        "problem": ("depuis ce matin, {item} affiche moins 40 alors que la salle est à quatre degrés.",),
        "solved": ("c'était un connecteur desserré ; une pièce de rechange part aujourd'hui, sans frais.",),
        "offer": ("la nouvelle version de {item} est arrivée. La fiche technique est jointe, comme convenu.",),
        "thanks": ("merci beaucoup, tout est rentré dans l'ordre.", "merci pour votre réponse rapide."),
    },
)
_SPANISH = Language(
    reply="RE: ",
    hello="Hola {name}:",
    regards="Un cordial saludo",
    wrote="El {date}, {name} escribió:",
    subjects=("Consulta sobre {item}", "Presupuesto {number}", "Calibración de {item}", "Entrega de {item}"),
    letters={
        "ask": ("necesitamos seis {item} para la nueva bodega. ¿Qué precio tendrían con certificado?",),
        "quote": ("gracias por su consulta. Adjunto el presupuesto de {item}, válido cuatro semanas.",),
        "more": ("¿sirven los soportes que ya tenemos?", "¿está incluido el transporte?"),
        "answer": ("sí, encajan sin cambios.", "sí, todo está incluido."),
        "order": ("nos parece bien, hacemos el pedido según el presupuesto.",),
        "confirm": ("el pedido está registrado y sale el jueves.", "gracias, el paquete ya está en camino."),
        "problem": ("desde esta mañana {item} marca menos 40 aunque la sala está a cuatro grados.",),
        "solved": ("era un conector suelto; hoy sale una pieza de repuesto sin coste.",),
        "offer": ("ya está aquí el nuevo {item}. Adjunto la ficha técnica, como hablamos.",),
        "thanks": ("perfecto, ¡muchas gracias!", "gracias por la rapidez."),
    },
)
_ITALIAN = Language(
    reply="R: ",
    hello="Buongiorno {name},",
    regards="Cordiali saluti",
    wrote="Il {date}, {name} ha scritto:",
    subjects=("Richiesta {item}", "Preventivo {number}", "Taratura {item}"),
    letters={
        "ask": ("ci servono quattro {item} per la nuova cantina. Quanto costano con il certificato?",),
        "quote": ("grazie della richiesta. In allegato il preventivo per {item}, valido quattro settimane.",),
        "more": ("va bene anche con i vecchi supporti?",),
        "answer": ("sì, senza modifiche.",),
        "order": ("per noi va bene, procediamo con l'ordine come da preventivo.",),
        "confirm": ("l'ordine è registrato, consegna giovedì.",),
        "problem": ("da stamattina {item} segna meno 40, ma la stanza è a quattro gradi.",),
        "solved": ("era un connettore allentato; il ricambio parte oggi, gratuito.",),
        "offer": ("è arrivato il nuovo {item}. In allegato la scheda tecnica, come d'accordo.",),
        "thanks": ("perfetto, grazie mille!",),
    },
)
_POLISH = Language(
    reply="Odp: ",
    hello="Dzień dobry {name},",
    regards="Z poważaniem",
    wrote="Dnia {date} {name} napisał(a):",
    subjects=("Zapytanie o {item}", "Oferta nr {number}"),
    letters={
        "ask": ("potrzebujemy pięciu {item} do nowej chłodni. Jaka byłaby cena ze świadectwem wzorcowania?",),
        "quote": ("dziękuję za zapytanie. Oferta na {item} jest w załączniku, ważna cztery tygodnie.",),
        "more": ("czy transport jest wliczony w cenę?",),
        "answer": ("tak, wszystko jest wliczone.",),
        "order": ("nam odpowiada, zamawiamy zgodnie z ofertą.",),
        "confirm": ("zamówienie przyjęte, dostawa w czwartek.",),
        "problem": ("od rana {item} pokazuje minus 40, a w pomieszczeniu są cztery stopnie.",),
        "solved": ("to był luźny wtyk; część zamienna wychodzi dziś bezpłatnie.",),
        "offer": ("jest już nowa wersja {item}. Karta katalogowa w załączniku, zgodnie z umową.",),
        "thanks": ("dziękuję, działa!",),
    },
)
_JAPANESE = Language(
    reply="Re: ",
    hello="{name} 様",
    regards="よろしくお願いいたします。",
    wrote="{date} {name} さんのメッセージ:",
    subjects=("{item} のお見積り", "{item} の納期について"),
    letters={
        "ask": ("新しい冷蔵倉庫のため {item} を六台検討しております。校正証明書込みの価格はいくらですか？",),
        "quote": ("お問い合わせありがとうございます。{item} の見積書を添付いたします。",),
        "more": ("送料は含まれていますか？",),
        "answer": ("はい、すべて含まれております。",),
        "order": ("見積書のとおり注文いたします。",),
        "confirm": ("ご注文を承りました。木曜日に発送いたします。",),
        "problem": ("今朝から {item} がマイナス40度を表示していますが、室温は4度です。",),
        "solved": ("コネクタの緩みでした。本日、交換部品を無償で発送いたします。",),
        "offer": ("{item} の新型が出ました。資料を添付いたします。",),
        "thanks": ("助かりました。ありがとうございます。",),
    },
)

LANGUAGES: Final[dict[str, Language]] = {
    "de": _GERMAN,
    "en": _ENGLISH,
    "fr": _FRENCH,
    "es": _SPANISH,
    "it": _ITALIAN,
    "pl": _POLISH,
    "ja": _JAPANESE,
}
