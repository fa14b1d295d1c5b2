"""What can be wrong with the database, named by what to do. Imports nothing, so that the command line knows it cheaply.

StoreError              the database does not answer: it may later
└── Unfit               nothing works before the configuration, the key or the schema is put right
    └── SchemaMismatch  the database is older or newer than this program
"""


class StoreError(Exception):
    """The database cannot be used. One sentence, with what to do."""


class Unfit(StoreError):
    """Waiting does not help: somebody must change something first."""


class SchemaMismatch(Unfit):
    """The database is older or newer than this program."""
