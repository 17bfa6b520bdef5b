"""Requests that are held to the description of the API."""

from __future__ import annotations

from typing import Any

from support.compatibility import resolved
from support.described import faults
from webroom import Newsroom


class Described:
    """Requests to a newsroom, held to its description."""

    def __init__(self, newsroom: Newsroom, document: dict[str, Any]) -> None:
        self._newsroom = newsroom
        self.document = document

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """What is said of one."""
        found: dict[str, Any] = self.document["paths"][path][method.lower()]
        return found

    async def ask(
        self, method: str, path: str, role: str | None = None, *, query: str = "", json: Any = None, **names: str
    ) -> tuple[int, Any]:
        """The status and the body, which are as described; ``names`` stand in the path."""
        described, address = self.operation(method, path), path.format(**names)
        headers = self._newsroom.as_(role) if role else {}
        async with self._newsroom.client.request(
            method, f"{address}?{query}" if query else address, json=json, headers=headers
        ) as answer:
            said = described["responses"][str(answer.status)]
            if "content" not in said:
                assert await answer.read() == b""
                return answer.status, None
            body = await answer.json()
            schema = resolved(said["content"][answer.content_type]["schema"], self.document)
            assert faults(body, schema) == []
            return answer.status, body
