"""All SQL. One file per noun, one function per statement; the same functions serve SQLite and PostgreSQL.

A storage function is plain and synchronous, takes a :class:`~publisher.storage.database.Tx` first, and is called
through :meth:`Database.read` or :meth:`Database.write`, which own the connection, the transaction and the lock.
"""
