"""NTLM over requests_ntlm, with its holes mended: a 401 without a body, and servers that tell no challenge.

The channel is bound to the server's certificate (Extended Protection, RFC 5929 section 4.1) wherever it can be read.
"""

from typing import Any

from requests import Response
from requests_ntlm import HttpNtlmAuth


class Ntlm(HttpNtlmAuth):
    """One account. A session's connection stays signed in."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username, password)

    def _get_server_cert(self, response: Response) -> bytes | None:
        """A 401 without a body has let go of its file already, which requests_ntlm takes for granted."""
        try:
            found: bytes | None = super()._get_server_cert(response)
        except AttributeError:
            found = self._from_socket(getattr(response.raw, "_connection", None))
        return found

    @staticmethod
    def _from_socket(connection: Any) -> bytes | None:  # noqa: ANN401 - urllib3's connection, which it does not export
        from requests_ntlm.requests_ntlm import _get_certificate_hash

        try:
            certificate = connection.sock.getpeercert(True)
        except AttributeError:
            return None
        found: bytes | None = _get_certificate_hash(certificate)
        return found
