"""HTML becomes the text a person would have typed: lines where lines are seen, quotes marked, nothing hidden shown."""

import pytest

from connectors.mime.html import HTML_LIMIT, html_to_text

GMAIL = (
    '<div dir="ltr">Hi Anna,<div><br></div><div>the <b>off</b>er is fine.</div><div><br></div><div>Jane</div></div><br>'
    '<div class="gmail_quote"><div dir="ltr">On Mon, Anna &lt;<a href="mailto:a@x.example">a@x.example</a>&gt; wrote:'
    '<br></div><blockquote style="margin:0"><div>Dear Jane,</div><div>see below.</div><blockquote>older</blockquote>'
    "</blockquote></div>"
)
OUTLOOK = (
    "<html xmlns:o='urn:x'><head><!--[if gte mso 9]><xml><o:x>junk</o:x></xml><![endif]--><style>\n<!--\n"
    "p.MsoNormal {margin:0}\n-->\n</style></head><body><div class=WordSection1><p class=MsoNormal>Dear Anna,"
    "<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>please\r\nsend   it.</p>"
    "<table border=0><tr><td>Item</td><td>Price</td></tr><tr><td>Pump</td><td>&euro;&nbsp;40</td></tr></table>"
    "<p class=MsoNormal><b>From:</b> Anna<br><b>Sent:</b> Monday</p></div></body></html>"
)


def test_a_gmail_letter_reads_as_it_was_typed() -> None:
    assert html_to_text(GMAIL) == (
        "Hi Anna,\n\nthe offer is fine.\n\nJane\n\nOn Mon, Anna <a@x.example> wrote:\n"
        "> Dear Jane,\n> see below.\n> > older"
    )


def test_an_outlook_letter_reads_as_it_was_typed() -> None:
    assert html_to_text(OUTLOOK) == (
        "Dear Anna,\n\nplease send it.\n\nItem Price\nPump € 40\n\nFrom: Anna\nSent: Monday"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a &lt;b&gt; c &amp;amp; &#x20ac; &#8364 &nosuch;", "a <b> c &amp; € € &nosuch;"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<a title=\"x > y\" href='a>b'>link</a> end", "link end"),
        ("<a href=http://x.example/?a=1&b='2>link</a> end", "link end"),
        ("<p title=don't>kept</p><p>also</p>", "kept\n\nalso"),
        ("<ul><li>one<li>two</ul>three", "- one\n- two\n\nthree"),
        ("<pre>a\n  b</pre> c\n d", "a\nb\n\nc d"),
        ("one<SCRIPT>alert('<p>two</p>')</script\n>three", "onethree"),
        ("<title>no</title><style>no</style><p>yes", "yes"),
        ("before<!-- <style> -->after", "beforeafter"),
        ("before<!-- never ends", "before"),
        ("<!doctype html><?xml x?><p>yes</p>", "yes"),
        ("tail <b unfinished", "tail"),
        ("<h1>Head</h1>text<hr>more", "Head\n\ntext\nmore"),
        ("zero\u200bwidth a\xa0b", "zero\u200bwidth a b"),
        ("<div></div><div> </div>", ""),
        ("", ""),
    ],
)
def test_small_pieces_of_html(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_what_lies_beyond_the_limit_is_left_out() -> None:
    assert html_to_text("<p>first</p>" + "<!--" + "x" * HTML_LIMIT + "--><p>last</p>") == "first"
