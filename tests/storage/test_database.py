from sqlalchemy import text

from publisher.storage.database import Database, Tx


def _cursor(tx: Tx) -> int:
    return int(tx.conn.execute(text("SELECT seq FROM cursors WHERE name = 'log'")).scalar_one())


async def test_a_fresh_log_is_empty(db: Database) -> None:
    assert await db.read(_cursor) == 0
    assert db.last_seq == 0
