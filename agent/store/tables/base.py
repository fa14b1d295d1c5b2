"""What all tables share: one metadata, names of constraints, ids and references."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts rows only in an INTEGER PRIMARY KEY


def row_id() -> sa.Column[int]:
    """A number given by the database."""
    return sa.Column("id", BIG, primary_key=True, autoincrement=True)


def to(column: str, name: str, *, primary: bool = False) -> sa.Column[object]:
    """A reference that goes when its target goes."""
    return sa.Column(name, sa.ForeignKey(column, ondelete="CASCADE"), nullable=False, primary_key=primary)
