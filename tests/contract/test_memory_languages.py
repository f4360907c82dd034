"""The MemoryStore port: words of other languages and scripts are found. Every engine passes it."""

# ruff: noqa: RUF001 - letters of other scripts are what this is about

from __future__ import annotations

import pytest

from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.words import query_terms
from agent_memory_server.ports.memory_store import MemoryStore
from tests.contract.memories import NOW, direction, write

TEXTS = {
    "zh-tea": "我昨天在北京的一家小店喝了绿茶。",
    "zh-cat": "她养了两只猫，一只叫小白。",
    "ja-tower": "週末に東京タワーへ友達と行きました。",
    "ja-ramen": "駅前のラーメン屋がとても好きです。",
    "ko-coffee": "나는 매일 아침 커피를 마신다.",
    "ko-mountain": "지난 주말에 북한산에 올라갔다.",
    "fr": "Élodie préfère le café crème à la brûlerie du Marché.",
    "de": "Jürgen wohnt in der Nähe der Universität Köln.",
    "tr": "İstanbul'da güzel bir ev arıyoruz.",
    "ru": "Анна играет на виолончели по вторникам.",
    "el": "Η Ελένη μένει στην Αθήνα.",
    "ar": "تحب ليلى قراءة الكتب في المساء.",
}
ASKED = {
    "北京 绿茶": "zh-tea",
    "她的猫叫什么": "zh-cat",
    "東京タワーに行った？": "ja-tower",
    "ラーメン": "ja-ramen",
    "아침 커피": "ko-coffee",
    "북한산": "ko-mountain",
    "Elodie cafe creme": "fr",
    "CAFÉ": "fr",
    "jurgen koln universitat": "de",
    "istanbul ev": "tr",
    "АННА виолончели": "ru",
    "αθηνα": "el",
    "قراءة الكتب": "ar",
    '"東京タワー"': "ja-tower",
    '"北京" "绿茶"': "zh-tea",
    '"아침 커피"': "ko-coffee",
    '"café crème"': "fr",
}


@pytest.mark.parametrize(("text", "wanted"), ASKED.items())
async def test_a_memory_is_found_by_its_words_in_any_script(memories: MemoryStore, text: str, wanted: str) -> None:
    await memories.put(EVERYWHERE, [write(id_, of, at=90.0) for id_, of in TEXTS.items()], now=NOW)
    for mode, vector in ((Mode.KEYWORD, None), (Mode.HYBRID, direction(0))):
        terms = query_terms(text, phrases_required=mode is Mode.HYBRID)
        ranked = await memories.search(EVERYWHERE, StoreQuery(mode=mode, terms=terms, text=text, vector=vector))
        assert ranked.hits[0].memory.id == wanted
