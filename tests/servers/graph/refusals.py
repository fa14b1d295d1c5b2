"""What Graph answers instead of doing what was asked: a status and `{"error": {"code": ..., "message": ...}}`."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from tests.servers.graph.web import Answer


class Refuse(Exception):
    """Raised where a request is judged; the server turns it into an answer with this status, code and message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    def answer(self) -> Answer:
        """The error as Graph writes it, with a request id of its own."""
        inner = {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": str(uuid.uuid4()),
        }
        content = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        return Answer(self.status, json.dumps(content).encode(), self.headers)


def bad_request(message: str, code: str = "BadRequest") -> Refuse:
    """The request itself is wrong; sending it again will not help."""
    return Refuse(HTTPStatus.BAD_REQUEST, code, message)


def unknown_segment(segment: str) -> Refuse:
    """Nothing lives at this path."""
    return bad_request(f"Resource not found for the segment '{segment}'.")


def unknown_property(name: str, kind: str) -> Refuse:
    """A `$select` or `$filter` names what the type does not have."""
    return bad_request(
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type"
        f" 'microsoft.graph.{kind}'."
    )


def item_not_found() -> Refuse:
    """No message, event or folder has this id, or not any more."""
    return Refuse(
        HTTPStatus.NOT_FOUND, "ErrorItemNotFound", "The specified object was not found in the store., Item not found."
    )


def malformed_id() -> Refuse:
    """This was never an id."""
    return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")


def access_denied() -> Refuse:
    """The application may not do this in this mailbox."""
    return Refuse(HTTPStatus.FORBIDDEN, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def privileges_missing() -> Refuse:
    """The application may not ask the directory this."""
    return Refuse(
        HTTPStatus.FORBIDDEN, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def token_refused(message: str = "Lifetime validation failed, the token is expired.") -> Refuse:
    """No access token, or none that is valid any more: a new one is needed."""
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize",'
        f' error="invalid_token", error_description="{message}"'
    )
    return Refuse(HTTPStatus.UNAUTHORIZED, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def links_expired(status: int, code: str, location: str | None) -> Refuse:
    """A nextLink or deltaLink is not kept any more: the client begins a full round, at `location` if it is given."""
    message = "The sync state is not found. Begin a full synchronization."
    return Refuse(status, code, message, {"Location": location} if location else None)
