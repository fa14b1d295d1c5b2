"""What a folder is for, told by its name where the server does not say: mail programs name them in their own language.

Names are compared case-folded, at the top of the personal namespace only; a folder "Trash" somewhere below is
somebody's project. The lists hold what Outlook, Exchange, Thunderbird, Apple Mail, Roundcube and providers create.
"""

import re

TRASH, JUNK, DRAFTS, SENT, ARCHIVE, INBOX, ALL = "trash", "junk", "drafts", "sent", "archive", "inbox", "all"

SPECIAL_USE = {
    b"\\sent": SENT,
    b"\\drafts": DRAFTS,
    b"\\junk": JUNK,
    b"\\spam": JUNK,  # XLIST
    b"\\trash": TRASH,
    b"\\archive": ARCHIVE,
    b"\\all": ALL,
    b"\\allmail": ALL,  # XLIST
    b"\\inbox": INBOX,  # XLIST
}
"""Attributes of RFC 6154, and of Gmail's XLIST before it."""

VIRTUAL = frozenset((b"\\flagged", b"\\important", b"\\starred"))
"""Attributes of folders that only show mail which lies elsewhere."""

_NAMES = {
    TRASH: """Trash|Deleted|Deleted Items|Deleted Messages|Bin|Wastebasket|Papierkorb|Gelöschte Elemente
        |Gelöschte Objekte|Gelöscht|Corbeille|Éléments supprimés|Messages supprimés|Papelera|Elementos eliminados
        |Mensajes eliminados|Papelera de reciclaje|Cestino|Posta eliminata|Elementi eliminati|Lixo|Lixeira
        |Itens Excluídos|Itens Eliminados|Prullenbak|Verwijderde items|Verwijderd|Papperskorgen|Borttaget
        |Borttagna objekt|Slettet post|Slettede elementer|Søppelkasse|Papirkurv|Roskakori|Poistetut
        |Poistetut kohteet|Kosz|Elementy usunięte|Koš|Odstraněná pošta|Kôš|Odstránená pošta|Törölt elemek|Kuka
        |Coș de gunoi|Elemente șterse|Кошче|Изтрити|Корзина|Удаленные|Удалённые|Кошик|Видалені|Κάδος απορριμμάτων
        |Διαγραμμένα|Çöp Kutusu|Silinmiş Öğeler|Çöp|Smeće|Obrisano|Koš za smeti|Izbrisano|Prügikast|Šiukšliadėžė
        |Miskaste|ゴミ箱|削除済みアイテム|已删除邮件|已删除|已刪除郵件|垃圾桶|휴지통|지운 편지함|المهملات
        |العناصر المحذوفة|אשפה|פריטים שנמחקו|ถังขยะ|Thùng rác|Sampah""",
    JUNK: """Junk|Spam|Junk E-mail|Junk Email|Junk Mail|Bulk Mail|Bulk|Junk-E-Mail|Spamverdacht|Unerwünscht
        |Unbekannt|Courrier indésirable|Indésirables|Pourriel|Correo no deseado|Correo basura|Posta indesiderata
        |Indesiderata|Lixo Eletrônico|Lixo Eletrónico|E-mail de Lixo|Ongewenste e-mail|Ongewenst|Reclame|Skräppost
        |Skräp|Søppelpost|Uønsket e-post|Uønsket e-mail|Uønsket|Roskaposti|Roskapostit|Wiadomości-śmieci
        |Wiadomości śmieci|Niechciane|Nevyžádaná pošta|Nevyžiadaná pošta|Levélszemét|Mesaje nedorite|Нежелана поща
        |Спам|Нежелательная почта|Небажана пошта|Ανεπιθύμητη αλληλογραφία|Ανεπιθύμητα|Önemsiz E-posta|İstenmeyen
        |Neželjena pošta|Neželena pošta|Rämpspost|迷惑メール|垃圾邮件|垃圾郵件|스팸메일함|스팸|정크 메일
        |البريد غير الهام|דואר זבל|ขยะ|Thư rác""",
    DRAFTS: """Drafts|Draft|Entwürfe|Brouillons|Borradores|Bozze|Rascunhos|Concepten|Utkast|Kladder|Kladde
        |Luonnokset|Wersje robocze|Szkice|Robocze|Koncepty|Rozepsané|Rozpísané|Piszkozatok|Schițe|Ciorne|Чернови
        |Черновики|Чернетки|Πρόχειρα|Taslaklar|Skice|Nacrti|Osnutki|Mustandid|Juodraščiai|Melnraksti|下書き|草稿
        |草稿箱|임시 보관함|임시보관함|المسودات|טיוטות|ร่าง|Thư nháp""",
    SENT: """Sent|Sent Items|Sent Mail|Sent Messages|Gesendet|Gesendete Elemente|Gesendete Objekte
        |Postausgang gesendet|Envoyés|Éléments envoyés|Messages envoyés|Objets envoyés|Enviados|Elementos enviados
        |Mensajes enviados|Inviata|Posta inviata|Inviati|Elementi inviati|Itens Enviados|Mensagens enviadas
        |Verzonden|Verzonden items|Skickat|Skickade objekt|Sendt|Sendte elementer|Sendt post|Sendte|Lähetetyt
        |Lähetetyt kohteet|Wysłane|Elementy wysłane|Odeslaná pošta|Odeslané|Odoslaná pošta|Odoslané
        |Elküldött elemek|Elküldött üzenetek|Elküldött|Trimise|Elemente trimise|Изпратени|Отправленные|Надіслані
        |Απεσταλμένα|Gönderilmiş Öğeler|Gönderilenler|Gönderilmiş|Poslato|Poslano|Poslane stavke|Saadetud|Išsiųsta
        |Nosūtītie|送信済み|送信済みアイテム|送信済みトレイ|已发送|已发送邮件|寄件備份|보낸 편지함|보낸편지함
        |العناصر المرسلة|المرسل|פריטים שנשלחו|נשלחו|ส่งแล้ว|Đã gửi""",
    ARCHIVE: """Archive|Archives|Archiv|Archivo|Archivio|Arquivo|Arquivo Morto|Archief|Arkiv|Arkisto|Archiwum
        |Archív|Archívum|Arhivă|Архив|Архів|Αρχειοθέτηση|Arşiv|Arhiva|Arhiv|アーカイブ|存档|封存|보관함|أرشيف
        |ארכיון|Lưu trữ""",
}

_EXCHANGE = """Calendar|Contacts|Tasks|Notes|Journal|Outbox|Sync Issues|Conversation History|RSS Feeds|RSS Subscriptions
    |Suggested Contacts|Conversation Action Settings|Quick Step Settings|News Feed|Files|Yammer Root|ExternalContacts
    |Kalender|Kontakte|Aufgaben|Notizen|Postausgang|Synchronisierungsprobleme|Aufgezeichnete Unterhaltungen|RSS-Feeds
    |RSS-Abonnements|Vorgeschlagene Kontakte|Calendrier|Tâches|Boîte d'envoi|Problèmes de synchronisation|Flux RSS
    |Historique des conversations|Calendario|Contactos|Tareas|Notas|Diario|Bandeja de salida|Problemas de sincronización
    |Historial de conversaciones|Fuentes RSS|Contatti|Attività|Note|Posta in uscita|Problemi di sincronizzazione
    |Cronologia conversazioni|Feed RSS|Calendário|Contatos|Tarefas|Anotações|Diário|Caixa de Saída|Agenda
    |Contactpersonen|Taken|Notities|Logboek|Postvak UIT|Synchronisatieproblemen|Gespreksgeschiedenis|Kontakter|Uppgifter
    |Anteckningar|Utkorg|Opgaver|Noter|Udbakke|Oppgaver|Notater|Utboks|Kalenteri|Yhteystiedot|Tehtävät|Lähtevät
    |Kalendarz|Kontakty|Zadania|Notatki|Dziennik|Skrzynka nadawcza|Kalendář|Úkoly|Poznámky|Deník|Pošta k odeslání"""


def _folded(names: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in re.split(r"\|", names.replace("\n", "")))


_ROLE_OF = {name: role for role, names in _NAMES.items() for name in _folded(names)}
_NO_MAIL = _folded(_EXCHANGE)
ENOUGH = 3
"""So many of Exchange's own folders beside one another are no coincidence."""


def role_by_name(name: str) -> str | None:
    """The role of a folder at the top of the namespace, by its decoded name alone."""
    return _ROLE_OF.get(name.casefold())


def holds_no_mail(name: str) -> bool:
    """Whether Exchange keeps something else than mail under this name (calendar, contacts, logs)."""
    return name.casefold() in _NO_MAIL
