from __future__ import annotations

from agent_memory_server.domain.sealing import question_digest, sealed


def test_what_is_sealed_opens_with_its_question_alone() -> None:
    secret = "Ana Müller".encode()
    closed = sealed(secret, "labels", "model", "a text")
    assert closed != secret
    assert len(closed) == len(secret)
    assert sealed(closed, "labels", "model", "a text") == secret
    assert sealed(closed, "labels", "model", "another text") != secret
    assert sealed(b"", "labels") == b""


def test_questions_of_other_parts_have_other_digests_and_no_digest_is_a_key() -> None:
    assert question_digest("a", "bc") != question_digest("ab", "c")
    assert sealed(bytes(32), "a", "bc") != question_digest("a", "bc")
