"""The token endpoint of a tenant: client credentials with a secret, a certificate or a federated assertion.

"Microsoft identity platform and the OAuth 2.0 client credentials flow", "Certificate credentials", OpenID Connect
discovery. What is refused is refused with the AADSTS code that the real one gives.
"""

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers.graph.tenant import Application, Tenant
from tests.servers.graph.web import Answer, Request

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DISCOVERY = "/v2.0/.well-known/openid-configuration"
_TOKEN = "/oauth2/v2.0/token"


class Refused(Exception):
    """The sign-in fails. error: OAuth's; code: the number after AADSTS."""

    def __init__(self, status: int, error: str, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.error, self.code, self.sentence = status, error, code, sentence

    def answer(self) -> Answer:
        """As the platform writes it."""
        trace, correlation = uuid.uuid4(), uuid.uuid4()
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        described = (
            f"AADSTS{self.code}: {self.sentence} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        )
        content = {
            "error": self.error,
            "error_description": described,
            "error_codes": [self.code],
            "timestamp": now,
            "trace_id": str(trace),
            "correlation_id": str(correlation),
        }
        return Answer.of(content, self.status)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The endpoint. url: of the server. find: a tenant by its id. owners: the tenants of all tokens it ever gave."""

    url: str
    find: Callable[[str], Tenant | None]
    key: ec.EllipticCurvePrivateKey
    owners: dict[str, Tenant] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """One request to `/<tenant>/...`."""
        path = request.target.partition("?")[0]
        name, _, rest = path.lstrip("/").partition("/")
        tenant = self.find(name)
        if tenant is None:
            return Refused(400, "invalid_tenant", 90002, f"Tenant '{name}' not found.").answer()
        if f"/{rest}" == _DISCOVERY:
            return Answer.of(self.metadata(tenant))
        if f"/{rest}" != _TOKEN or request.method != "POST":
            return Answer(404)
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        try:
            if tenant.sign_in_failures:
                raise Refused(*tenant.sign_in_failures.pop(0), "The service is temporarily unavailable.")
            return Answer.of(self._grant(tenant, form))
        except Refused as refused:
            tenant.token_requests["refused"] += 1
            return refused.answer()

    def metadata(self, tenant: Tenant) -> dict[str, Any]:
        """The discovery document."""
        base = f"{self.url}/{tenant.id}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}{_TOKEN}",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "tenant_region_scope": "EU",
        }

    def _grant(self, tenant: Tenant, form: Mapping[str, str]) -> dict[str, Any]:
        application = self._application(tenant, form)
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        how = self._prove(tenant, application, form)
        if form.get("scope") != f"{tenant.resource}/.default":
            sentence = f"The provided value for scope {form.get('scope')} is not valid."
            raise Refused(400, "invalid_scope", 1002012, sentence)
        tenant.token_requests[how] += 1
        return {
            "token_type": "Bearer",
            "expires_in": int(tenant.lifetime),
            "ext_expires_in": int(tenant.lifetime),
            "access_token": self.issue(tenant, application),
        }

    def issue(self, tenant: Tenant, application: Application) -> str:
        """An access token, without any flow."""
        now = int(time.time())
        claims = {
            "aud": tenant.resource,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + int(tenant.lifetime),
            "appid": application.client_id,
            "idtyp": "app",
            "roles": sorted(application.roles),
            "tid": tenant.id,
            "uti": str(uuid.uuid4()),
            "ver": "1.0",
        }
        token = jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "simulator"})
        self.owners[token] = tenant
        tenant.grant(token, application)
        return token

    def _application(self, tenant: Tenant, form: Mapping[str, str]) -> Application:
        client = form.get("client_id", "")
        if client not in tenant.applications:
            sentence = f"Application with identifier '{client}' was not found in the directory '{tenant.id}'."
            raise Refused(400, "unauthorized_client", 700016, sentence)
        return tenant.applications[client]

    def _prove(self, tenant: Tenant, application: Application, form: Mapping[str, str]) -> str:
        """Check the credential; how it was proved."""
        if "client_secret" in form:
            if form["client_secret"] in application.expired_secrets:
                sentence = f"The provided client secret keys for app '{application.client_id}' are expired."
                raise Refused(401, "invalid_client", 7000222, sentence)
            if form["client_secret"] not in application.secrets:
                raise Refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
            return "secret"
        if form.get("client_assertion_type") != _ASSERTION or "client_assertion" not in form:
            sentence = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise Refused(401, "invalid_client", 7000218, sentence)
        return self._prove_assertion(tenant, application, form["client_assertion"])

    def _prove_assertion(self, tenant: Tenant, application: Application, assertion: str) -> str:
        try:
            header = jwt.get_unverified_header(assertion)
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise Refused(401, "invalid_client", 50027, f"JWT token is invalid or malformed: {error}.") from None
        for federated in application.federated:
            if claims.get("iss") == federated.issuer and claims.get("sub") == federated.subject:
                _verify(assertion, federated.key, federated.audience)
                return "federated"
        if claims.get("iss") != application.client_id:
            sentence = "No matching federated identity record found for presented assertion"
            raise Refused(401, "invalid_client", 70021, f"{sentence} subject '{claims.get('sub')}'.")
        self._prove_certificate(tenant, application, assertion, header, claims)
        return "certificate"

    def _prove_certificate(
        self,
        tenant: Tenant,
        application: Application,
        assertion: str,
        header: Mapping[str, Any],
        claims: Mapping[str, Any],
    ) -> None:
        certificate = next((one for one in map(_load, application.certificates) if _named(header, one)), None)
        if certificate is None:
            sentence = (
                "The certificate with identifier used to sign the client assertion is not registered on application."
            )
            raise Refused(401, "invalid_client", 700027, sentence)
        if certificate.not_valid_after_utc < datetime.now(UTC):
            raise Refused(401, "invalid_client", 1000502, "The provided certificate is not within its validity period.")
        _verify(assertion, certificate.public_key(), f"{self.url}/{tenant.id}{_TOKEN}")
        if claims.get("sub") != application.client_id:
            raise Refused(401, "invalid_client", 700021, "Client assertion subject does not match the application.")


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _named(header: Mapping[str, Any], certificate: x509.Certificate) -> bool:
    """Does `x5t` (SHA-1) or `x5t#S256` name this certificate?"""
    sha1, sha256 = (base64.urlsafe_b64encode(certificate.fingerprint(how)) for how in (hashes.SHA1(), hashes.SHA256()))  # noqa: S303  # x5t is SHA-1 by RFC 7515
    given = (str(header.get(name, "")).rstrip("=") for name in ("x5t", "x5t#S256"))
    return any(name and name in (sha1.decode().rstrip("="), sha256.decode().rstrip("=")) for name in given)


def _verify(assertion: str, key: Any, audience: str) -> None:  # noqa: ANN401  # any public key that jwt takes
    """Signature, audience and life of an assertion."""
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=["RS256", "PS256", "ES256"],
            audience=audience,
            options={"require": ["exp", "aud"]},
        )
    except jwt.InvalidAudienceError:
        raise Refused(401, "invalid_client", 700212, "No matching audience found for presented assertion.") from None
    except jwt.ExpiredSignatureError:
        raise Refused(401, "invalid_client", 700024, "Client assertion is not within its valid time range.") from None
    except jwt.PyJWTError as error:
        raise Refused(401, "invalid_client", 50013, f"Assertion failed signature validation: {error}.") from None
