"""All SQL. One file per noun, one function per statement; the same functions serve SQLite and PostgreSQL.

A storage function is plain and synchronous, takes a :class:`~publisher.storage.engine.database.Tx` first, and is called
through :meth:`Database.read` or :meth:`Database.write`, which own the connection, the transaction and the lock.
"""

from publisher.imports import emptied

# SQLAlchemy's asyncio package brings the whole ORM for its sessions, of which there are none here: 6 MB.
with emptied("sqlalchemy.ext.asyncio.scoping", "sqlalchemy.ext.asyncio.session"):
    import sqlalchemy.ext.asyncio  # noqa: F401
