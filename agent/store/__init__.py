"""What is kept, and the only room that knows the database: SQLAlchemy Core on SQLite or PostgreSQL.

`tables` names the rows, `database` opens and locks, `unit` commits under a lease, and each shelf serves one noun.
"""
