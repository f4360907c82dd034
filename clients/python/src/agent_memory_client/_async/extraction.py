"""The call that shows what extraction reads out of a session."""

from __future__ import annotations

from agent_memory_client._async.base import Calls
from agent_memory_client._async.records import RECORDS
from agent_memory_client.answers import checked, read
from agent_memory_client.models.extraction import ExtractMemoriesRequest, ExtractMemoriesResponse


class ExtractionCalls(Calls):
    """Sessions, read for what is worth remembering."""

    async def try_extraction(
        self, session_id: str, namespace: str | None = None, user_id: str | None = None
    ) -> ExtractMemoriesResponse:
        """What would be remembered of a session's latest messages, and what is left out and why. Stores nothing.

        >>> told = [{"role": "user", "content": "I moved to Lisbon in May 2024."}]
        >>> session = await client.append_messages("trial", told)
        >>> [memory.text for memory in (await client.try_extraction("trial")).memories]
        ['User: I moved to Lisbon in May 2024...']
        """
        members = {"session_id": session_id, "namespace": self._namespace(namespace), "user_id": user_id}
        request = checked(ExtractMemoriesRequest, members)
        response = await self._transport.send(
            "POST", f"{RECORDS}/extract", body=request.model_dump_json(exclude_none=True)
        )
        return read(ExtractMemoriesResponse, response)
