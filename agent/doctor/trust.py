"""Secrets and certificates: whether they can be read, and how long they are good for."""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.doctor.finding import Said, failed, fine, warning
from config.model import Frozen
from config.secrets import Secret

SOON = timedelta(days=30)
"""A certificate that ends within this is warned of."""
_FILE_LIMIT = 4 * 1024 * 1024


def secrets_of(settings: object) -> Iterator[Secret]:
    """Every secret that settings name, however deep."""
    if isinstance(settings, Secret):
        yield settings
    elif isinstance(settings, Frozen):
        for _, part in settings:
            yield from secrets_of(part)


def readable(settings: Frozen) -> Said:
    """Reads every secret. Raises SecretError at the first that cannot be."""
    named = list(secrets_of(settings))
    for secret in named:
        secret.read()
    return fine(", ".join(map(_reference, named)) or "none needed")


def _reference(secret: Secret) -> str:
    """Where a secret lies; never the secret."""
    if secret.env is not None:
        return f"variable {secret.env}"
    return f"file {secret.file}" if secret.file is not None else f"keyring {secret.keyring}"


def end_of(notAfter: str) -> datetime:  # noqa: N803 - the field's name in X.509 and in Python's ssl
    """When a certificate ends, from what `ssl.SSLSocket.getpeercert` tells."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(notAfter), UTC)


def lasting(what: str, end: datetime, now: datetime, advice: str) -> Said:
    """The verdict on something that is good until `end`. Pure."""
    days = (end - now).days
    if end <= now:
        return failed(f"{what} ended on {end.date()}", advice)
    detail = f"{what} is good until {end.date()} ({days} {'day' if days == 1 else 'days'})"
    return warning(detail, advice) if end - now <= SOON else fine(detail)


def authority(ca_file: Path, now: datetime) -> Said:
    """The certificates of a `ca_file`: the one that ends first counts."""
    ends = _ends(ca_file)
    advice = f"put the authority's new certificate into {ca_file}"
    if not ends:
        return failed(f"{ca_file} holds no certificate", "give a PEM file with the authority's certificate")
    return lasting(
        f"the first of {len(ends)} in {ca_file.name}" if len(ends) > 1 else ca_file.name, min(ends), now, advice
    )


def _ends(ca_file: Path) -> Sequence[datetime]:
    from cryptography import x509  # loaded only where a ca_file is named

    try:
        with ca_file.open("rb") as file:
            certificates = x509.load_pem_x509_certificates(file.read(_FILE_LIMIT))
    except (OSError, ValueError):
        return []
    return [certificate.not_valid_after_utc for certificate in certificates]
