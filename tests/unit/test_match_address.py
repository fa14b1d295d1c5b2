"""Addresses: three forms, one key for each mailbox, and no spelling that raises."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matchers.address import (
    LONGEST,
    envelope_address,
    is_free_mail,
    is_role_address,
    normalise,
    registrable_domain,
)
from matchers.company import corporate_domain

CALM = settings(deadline=None)
"""The suffix list is read at first use, and machines are busy: time is no fault here."""

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=80)
ADDRESS_LIKE = st.text(alphabet="aA.+@\"'()<>[]\\,;: \tmx-İßſ＠。é\u200b", max_size=24)
LOCAL = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8})?", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z]{1,8}\.(example|test|co\.uk)", fullmatch=True)


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        ("Anna@X.Example", "anna@x.example"),
        ('"anna"@x.example', "anna@x.example"),
        ("anna(at work (again))@x.example", "anna@x.example"),
        ("Anna Ash <anna@x.example>", "anna@x.example"),
        ("'anna@x.example'", "anna@x.example"),
        ("mailto:anna@x.example", "anna@x.example"),
        ("SMTP:Anna@x.example", "anna@x.example"),
        ("a . b @ x . example", "a.b@x.example"),
        ("anna@x.example.", "anna@x.example"),
        ("<@relay.example,@other.example:anna@x.example>", "anna@x.example"),
        ("anna@MÜNCHEN.example", "anna@xn--mnchen-3ya.example"),
        ("anna@xn--mnchen-3ya.example", "anna@xn--mnchen-3ya.example"),
        ("anna＠x。example", "anna@x.example"),
        ('"a b"@x.example', '"a b"@x.example'),
        ('"a\\"b"@x.example', '"a\\"b"@x.example'),
        ('"anna@x.example', "anna@x.example"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:DB8:0:0::1]", "a@[ipv6:2001:db8::1]"),
        ("Jörg@x.example", "jörg@x.example"),
    ],
)
def test_comments_quotes_case_and_idna_are_undone(raw: str, normalised: str) -> None:
    assert normalise(raw).normalised == normalised
    assert normalise(raw).raw == raw


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.n.na+news@gmail.com", "anna@googlemail.com"),
        ("anna+crm@outlook.com", "anna@outlook.com"),
        ("anna+crm@hotmail.co.uk", "anna@hotmail.co.uk"),
        ("anna+x@fastmail.com", "anna@fastmail.com"),
        ("anna+x@icloud.com", "anna@icloud.com"),
        ("anna+x@pm.me", "anna@pm.me"),
    ],
)
def test_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert normalise(one).match_key == normalise(other).match_key
    assert normalise(one).normalised != normalise(other).normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.nna@x.example", "anna@x.example"),
        ("anna+news@x.example", "anna@x.example"),
        ("a.nna@outlook.com", "anna@outlook.com"),
        ("anna@me.com", "anna@icloud.com"),
        ("anna@x.example", "anna@mail.x.example"),
        ('"a b"@x.example', "ab@x.example"),
    ],
)
def test_mailboxes_that_may_differ_have_different_keys(one: str, other: str) -> None:
    assert normalise(one).match_key != normalise(other).match_key


@pytest.mark.parametrize(
    "raw", ["", "anna", "@x.example", "anna@", "undisclosed-recipients:;", "@", '""@x.example', "a" * 2000]
)
def test_what_is_no_mailbox_has_no_key(raw: str) -> None:
    assert normalise(raw).match_key == ""


def test_an_exchange_name_is_its_own_key() -> None:
    normal = normalise("/O=Firm/OU=Site/CN=Recipients/CN=anna")
    assert normal.match_key == "/o=firm/ou=site/cn=recipients/cn=anna"
    assert normal.domain == ""


def test_an_absurdly_long_address_is_cut_and_matches_nobody() -> None:
    normal = normalise("a" * 5_000_000 + "@x.example")
    assert len(normal.raw) == LONGEST
    assert (normal.normalised, normal.match_key) == ("", "")


@given(st.one_of(ANY_TEXT, ADDRESS_LIKE))
@example('"mailto:a"@x')
@example("'\"'a'\"'")
@example("İ@İ.example")
@example('(((("<<@>>')
@example("\ud800@\udfff")
@example('"/o=x"')
@CALM
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw)
    twice = normalise(once.normalised)
    assert (twice.normalised, twice.match_key, twice.domain) == (once.normalised, once.match_key, once.domain)


@given(st.one_of(ANY_TEXT, ADDRESS_LIKE))
@CALM
def test_a_key_is_normal_itself_and_leads_to_itself(raw: str) -> None:
    key = normalise(raw).match_key
    assert normalise(key).match_key == key


@given(LOCAL, DOMAIN, st.data())
@CALM
def test_every_spelling_of_a_mailbox_has_its_key(local: str, domain: str, data: st.DataObject) -> None:
    spelling = data.draw(
        st.sampled_from(
            [
                f"{local}@{domain}".upper(),
                f'"{local}"@{domain}',
                f"<{local}@{domain}>",
                f"({local}) {local} (x) @ {domain} (y)",
                f"Some One <{local}@{domain}>",
                f"'{local}@{domain}'",
                f" {local}@{domain}. ",
            ]
        )
    )
    assert normalise(spelling).match_key == normalise(f"{local}@{domain}").match_key


@given(LOCAL, st.sampled_from(["gmail.com", "googlemail.com"]), st.text(alphabet="abc+.", max_size=6))
@CALM
def test_gmail_ignores_dots_and_tags(local: str, domain: str, tag: str) -> None:
    assert normalise(f"{local}+{tag}@{domain}").match_key == f"{local.replace('.', '')}@gmail.com"


@pytest.mark.parametrize(
    ("path", "sender"),
    [
        ("<SRS0=HHH=TT=orig.example=anna@forwarder.example>", "anna@orig.example"),
        ("SRS1=HHH=first.example==HHH=TT=orig.example=anna@second.example", "anna@orig.example"),
        ("prvs=0123456789=anna@x.example", "anna@x.example"),
        ("btv1==0a0a==anna@x.example", "anna@x.example"),
        ("anna@x.example", "anna@x.example"),
        ("<>", ""),
        ("", ""),
    ],
)
def test_rewriting_of_envelope_senders_is_undone(path: str, sender: str) -> None:
    assert envelope_address(path) == sender


@given(ANY_TEXT)
@CALM
def test_no_return_path_raises(path: str) -> None:
    assert "\n" not in envelope_address(path.replace("\n", ""))


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("mail.firm.co.uk", "firm.co.uk"),
        ("firm.example", "firm.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("mail.firm.公司.cn", "firm.xn--55qx5d.cn"),
        ("mail.firm.xn--55qx5d.cn", "firm.xn--55qx5d.cn"),
        ("xn--55qx5d.cn", ""),
        ("a.xn--99999999999.example", "xn--99999999999.example"),
        ("co.uk", ""),
        ("localhost", ""),
        ("[192.0.2.1]", ""),
        ("", ""),
        ("..", ""),
    ],
)
def test_the_registrable_part_of_a_domain(domain: str, registrable: str) -> None:
    assert registrable_domain(domain) == registrable


@given(ANY_TEXT)
@CALM
def test_the_registrable_part_stays_when_asked_again(domain: str) -> None:
    assert not (is_free_mail(domain) and corporate_domain(domain))
    assert registrable_domain(registrable_domain(domain)) == registrable_domain(domain)


@pytest.mark.parametrize(
    "domain", ["gmail.com", "hey.com", "privaterelay.appleid.com", "gmx.de", "mail.gmx.de", "hotmail.fr"]
)
def test_free_mail_speaks_for_no_company(domain: str) -> None:
    assert is_free_mail(domain)
    assert corporate_domain(domain) == ""


def test_a_corporate_domain_is_the_registrable_one() -> None:
    assert corporate_domain("eu.mail.firm.co.uk") == "firm.co.uk"


@pytest.mark.parametrize(
    "address", ["info@x.example", "No-Reply@x.example", "sales+de@x.example", "do_not_reply@x.example"]
)
def test_role_addresses_are_told(address: str) -> None:
    assert is_role_address(address)


@pytest.mark.parametrize("address", ["anna@x.example", "infos.anna@x.example", "", "@", "sales"])
def test_people_are_no_roles(address: str) -> None:
    assert not is_role_address(address)


@pytest.mark.parametrize(
    "raw",
    [
        "IMCEAEX-_O=FIRM_OU=First+20Group_cn=Recipients_cn=Bob@firm.example",
        "/o=Firm/ou=First Group/cn=Recipients/cn=Bob",
        "EX:/O=FIRM/OU=FIRST GROUP/CN=RECIPIENTS/CN=BOB",
    ],
)
def test_a_name_of_an_exchange_directory_is_one_key_however_it_is_wrapped(raw: str) -> None:
    assert normalise(raw).match_key == "/o=firm/ou=first group/cn=recipients/cn=bob"
