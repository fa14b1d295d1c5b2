"""HTML → readable plain text, in one pass whose time is linear in the input, whatever the input.

Written by hand because tree builders are not linear: nested elements or many attributes make the HTML algorithm
quadratic (1 MB of `<div>` keeps lexbor busy for more than two minutes). Nothing is fetched, no style is obeyed.
Blocks become lines, paragraphs are set apart by an empty line, quotations get `> `, list items `- `.
"""

import re
from html import unescape

HTML_LIMIT = 1024 * 1024
"""Characters of HTML that are looked at; most of it is markup."""
_DEEPEST_QUOTE = 20

_BLOCK, _PARAGRAPH, _QUOTE, _UNQUOTE = "\x04", "\x04\x05\x04", "\x04\x02\x04", "\x04\x03\x04"
_MARKS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SPACE = re.compile(r"[ \t\r\n\x0c]++")
_SILENT = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|([sStT](?i:cript|tyle|itle|emplate|vg))(?=[\s/>]).*?(?:</(?i:\1)[^>]*+(?:>|\Z)|\Z))",
    re.DOTALL,
)
"""Comments, and elements whose content is no text."""
_TAG = re.compile(
    r"<(/?[a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|))*+(?:>|\Z)|<[!?][^>]*+(?:>|\Z)", re.DOTALL
)
_PREFORMATTED = re.compile(r"(<pre\b|</pre\b)", re.IGNORECASE)
_BLOCKS = (
    "address article aside body center dd details dialog div dl dt fieldset figcaption figure footer form header hr "
    "html legend main nav option section summary table tbody tfoot thead tr caption"
)
_PARAGRAPHS = "p h1 h2 h3 h4 h5 h6 ul ol pre"
_MEANING = (
    {name: _BLOCK for tag in _BLOCKS.split() for name in (tag, f"/{tag}")}
    | {name: _PARAGRAPH for tag in _PARAGRAPHS.split() for name in (tag, f"/{tag}")}
    | {"br": "\n", "/br": "\n", "li": f"{_BLOCK}- ", "/li": _BLOCK, "td": " ", "th": " ", "/td": " ", "/th": " "}
    | {"blockquote": _QUOTE, "/blockquote": _UNQUOTE}
)


def html_to_text(html: str) -> str:
    """The text of a document or fragment; what stands beyond HTML_LIMIT is left out."""
    html = _collapse(html[:HTML_LIMIT])
    html = html if html.isprintable() else _MARKS.sub("", html)
    marked = unescape(_TAG.sub(_meaning, _SILENT.sub("", html)))
    return _lay_out(marked)


def _meaning(tag: re.Match[str]) -> str:
    name = tag[1]
    return _MEANING.get(name) or _MEANING.get(name.lower(), "") if name else ""


def _collapse(html: str) -> str:
    """White space as one space each, but as it is inside <pre>."""
    if "<pre" not in html.lower():
        return " ".join(html.split())
    pieces = _PREFORMATTED.split(html)
    inside = False
    for index, piece in enumerate(pieces):
        if index % 2:
            inside = not piece.startswith("</")
        elif not inside:
            pieces[index] = _SPACE.sub(" ", piece)
    return "".join(pieces)


def _lay_out(marked: str) -> str:
    lines: list[str] = []
    depth = last = 0
    blank = False
    for segment in marked.split(_BLOCK):
        if not segment or segment == " ":
            continue
        if segment == "\x02":
            depth = min(depth + 1, _DEEPEST_QUOTE)
        elif segment == "\x03":
            depth = max(depth - 1, 0)
        elif segment == "\x05":
            blank = True
        elif content := _lines_of(segment):
            if (blank or content == [""]) and lines and lines[-1].strip("> "):
                lines.append("> " * min(depth, last))
            lines += ["> " * depth + line for line in content] if content != [""] else []
            blank, last = False, depth
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _lines_of(segment: str) -> list[str]:
    """The lines of one block: none if it is empty, one empty line if it holds nothing but line breaks."""
    if "\n" not in segment:
        line = " ".join(segment.split())
        return [line] if line else []
    return [" ".join(line.split()) for line in segment.strip().split("\n")]
