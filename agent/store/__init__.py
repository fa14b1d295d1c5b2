"""What is kept, and the only room that knows the database: SQLAlchemy Core on SQLite or PostgreSQL.

Here: `tables` names the rows, `database` opens and locks, `unit` commits under a lease. In the rooms below each file
serves one noun, and each room knows only those before it: `schedule`, `directory`, `mail`, `calendar`, `persons`.
"""
