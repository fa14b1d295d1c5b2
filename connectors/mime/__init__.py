"""RFC 5322 bytes → `Envelope` and `Message`, whatever a mailer or a server made of them.

Called by every connector that sees raw mail. Promises: never raises on any bytes, bounded in time and memory,
nothing remote is ever fetched, texts hold no NUL, no other controls and no lone surrogates. What was wrong is said
in `defects`, one short word each.
"""

from connectors.mime.body import decode_text, read_message
from connectors.mime.header import HEADER_FIELDS, read_header

__all__ = ["HEADER_FIELDS", "decode_text", "read_header", "read_message"]
