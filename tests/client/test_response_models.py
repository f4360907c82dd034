"""How answers look on the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from agent_memory_client.models import (
    AckResponse,
    CreateMemoryRecordRequest,
    ErrorResponse,
    FieldError,
    MemoryMessage,
    MemoryPromptResponse,
    MemoryRecord,
    MemoryRecordResult,
    MemoryRecordResultsResponse,
    MemoryTypeEnum,
    PromptMessage,
    SearchExplanation,
    TextContent,
    UpdateWorkingMemory,
    WorkingMemoryResponse,
    WriteOutcome,
)

RECORD = MemoryRecord(id="1", text="likes tea", created_at=datetime(2026, 1, 31, 12, tzinfo=UTC))
RECORD_MEMBERS = {
    "id",
    "text",
    "session_id",
    "user_id",
    "namespace",
    "last_accessed",
    "created_at",
    "updated_at",
    "pinned",
    "access_count",
    "topics",
    "entities",
    "memory_hash",
    "discrete_memory_extracted",
    "memory_type",
    "persisted_at",
    "extracted_from",
    "event_date",
    "extraction_strategy",
    "extraction_strategy_config",
    "metadata",
}


def test_a_record_has_the_members_that_published_clients_know_and_no_others() -> None:
    assert set(json.loads(RECORD.model_dump_json())) == RECORD_MEMBERS


def test_a_result_adds_its_distance_and_score() -> None:
    result = MemoryRecordResult(id="1", text="likes tea", dist=0.5)
    assert set(json.loads(result.model_dump_json())) == RECORD_MEMBERS | {"dist", "score", "score_type"}


def test_what_the_reference_server_does_not_send_is_there_only_when_it_is_set() -> None:
    result = MemoryRecordResult(id="1", text="x", dist=0.5, revision=2, explain=SearchExplanation(bm25=1.5))
    sent = json.loads(result.model_dump_json())
    assert sent["revision"] == 2
    assert sent["explain"]["bm25"] == 1.5
    assert json.loads(AckResponse(status="ok").model_dump_json()) == {"status": "ok"}
    outcome = WriteOutcome(id="1", status="created", embedded=False)
    assert json.loads(AckResponse(status="ok", items=[outcome]).model_dump_json()) == {
        "status": "ok",
        "items": [{"id": "1", "status": "created", "embedded": False}],
    }
    assert json.loads(MemoryRecordResultsResponse(memories=[], total=0).model_dump_json()) == {
        "memories": [],
        "total": 0,
        "next_offset": None,
    }
    degraded = MemoryRecordResultsResponse(memories=[], total=0, degraded=["searched by words only"])
    assert json.loads(degraded.model_dump_json())["degraded"] == ["searched by words only"]
    assert "revision" not in json.loads(WorkingMemoryResponse(session_id="s").model_dump_json())
    assert json.loads(WorkingMemoryResponse(session_id="s", revision=1).model_dump_json())["revision"] == 1


def test_times_go_out_in_utc_with_z() -> None:
    assert json.loads(RECORD.model_dump_json())["created_at"] == "2026-01-31T12:00:00Z"
    from_seconds = MemoryMessage.model_validate({"role": "user", "content": "x", "created_at": 1_769_860_800.25})
    assert json.loads(from_seconds.model_dump_json())["created_at"] == "2026-01-31T12:00:00.250000Z"


def test_the_text_of_a_prompt_has_the_form_of_the_model_context_protocol() -> None:
    prompt = MemoryPromptResponse(messages=[PromptMessage(role="user", content=TextContent(text="hello"))])
    content = {"type": "text", "text": "hello", "annotations": None, "_meta": None}
    assert json.loads(prompt.model_dump_json()) == {
        "messages": [{"role": "user", "content": content}],
        "long_term_memories": None,
    }


def test_an_error_carries_its_code_and_keeps_the_shape_of_its_detail() -> None:
    assert json.loads(ErrorResponse(detail="no").model_dump_json()) == {"detail": "no"}
    fault = FieldError(type="int_type", loc=["body", "memories", 0], msg="no", input="x")
    sent = json.loads(ErrorResponse(detail=[fault], code="invalid_request", retryable=False).model_dump_json())
    assert sent == {
        "detail": [{"type": "int_type", "loc": ["body", "memories", 0], "msg": "no", "input": "x"}],
        "code": "invalid_request",
        "retryable": False,
    }


def test_every_answer_can_be_sent_back_as_a_request() -> None:
    result = MemoryRecordResult(id="1", text="x", dist=0.5, score=0.5, explain=SearchExplanation(), revision=3)
    created = CreateMemoryRecordRequest.model_validate({"memories": [json.loads(result.model_dump_json())]})
    assert created.memories[0].id == "1"
    session = WorkingMemoryResponse(session_id="s", memories=[RECORD], messages=[MemoryMessage(role="u", content="x")])
    assert UpdateWorkingMemory.model_validate(json.loads(session.model_dump_json())).memories[0].text == "likes tea"


def test_a_word_of_the_format_prints_as_itself() -> None:
    assert f"{MemoryTypeEnum.SEMANTIC} {MemoryTypeEnum.SEMANTIC!s}" == "semantic semantic"
    assert {"semantic": 1}[MemoryTypeEnum.SEMANTIC] == 1
