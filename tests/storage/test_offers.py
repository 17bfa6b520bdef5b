"""What a running service is asked, and answers."""

from publisher.storage.configuration import offers
from publisher.storage.engine.database import Database


async def test_of_two_processes_of_a_service_the_first_answer_stands(db: Database) -> None:
    await db.write(offers.make, "o1", service="s", digest="d", force=False)
    await db.write(offers.answer, "o1", {"result": "taken"})
    await db.write(offers.answer, "o1", {"result": "unchanged"})
    assert await db.read(offers.answered, "o1") == {"result": "taken"}
