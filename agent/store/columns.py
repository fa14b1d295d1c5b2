"""Column types that read the same from both databases."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | None) -> int | None:
    """Since 1970 UTC. Refuses naive values: a time without a zone is a bug of ours."""
    return None if value is None else (value - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as whole microseconds since 1970 UTC: exact, sortable, equal on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """As a number."""
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Always UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Hash(TypeDecorator[bytes]):
    """A keyed hash, `agent.store.hashes.SIZE` bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_result_value(self, value: bytes | memoryview | None, dialect: sa.Dialect) -> bytes | None:
        """PostgreSQL's driver may hand out a memoryview; keys of dicts must be bytes."""
        return None if value is None else bytes(value)
