"""How far the estimate of tokens is from the count of tiktoken, by kind of text.

    python -m benchmarks.token_estimate [--encoding o200k_base] [--text NAME=FILE ...] [--json FILE]

Needs tiktoken and its files: an environment with the extra `litellm`. Texts are pages and sources of this repository,
made sentences, a few paragraphs of other languages that stand here, and the files that you name. `characters / 4` is
the reference server's estimate where it has no vocabulary.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from agent_memory_server.adapters.providers.encodings import FILES, TiktokenEncodings
from agent_memory_server.domain.tokens import estimate_tokens
from benchmarks.sentences import question, sentence

ROOT = Path(__file__).resolve().parents[1]
GERMAN = (
    "Wir haben gestern lange über den Umzug gesprochen. Meine Schwester möchte lieber in der Nähe des "
    "Bahnhofs wohnen, weil sie jeden Morgen um halb sieben nach Leipzig fährt; mir ist ein ruhiges "
    "Arbeitszimmer wichtiger. Den Mietvertrag für die Zweizimmerwohnung unterschreiben wir wahrscheinlich am "
    "14. März, die Kaution beträgt 1.850 Euro."
)
SPANISH = (
    "Ayer hablamos mucho de la mudanza. Mi hermana prefiere vivir cerca de la estación porque toma el tren a "
    "las seis y media; a mí me importa más tener un despacho tranquilo. Firmaremos el contrato el 14 de marzo "
    "y la fianza es de 1850 euros. ¿Podrías recordarme que llame a la agencia el lunes por la mañana?"
)
RUSSIAN = (
    "Вчера мы долго говорили о переезде. Сестра хочет жить поближе к вокзалу, потому что каждое утро ездит на "
    "работу, а мне важнее тихий кабинет. Договор мы подпишем, скорее всего, четырнадцатого марта. Напомни "
    "мне, пожалуйста, позвонить в агентство в понедельник утром."
)
CHINESE = (
    "昨天我们谈了很久搬家的事。我姐姐想住在火车站附近，因为她每天早上六点半要去上班；我更想要一间安静的书"
    "房。我们大概三月十四日签合同，押金是一千八百五十欧元。请提醒我星期一上午给中介打电话。"
)
JAPANESE = (
    "昨日は引っ越しについて長い時間話しました。姉は毎朝六時半に仕事へ行くので、駅の近くに住みたいそうです"
    "。私は静かな書斎のほうが大切です。契約はたぶん三月十四日にします。月曜日の朝に不動産屋へ電話するよう"
    "に知らせてください。"
)
KOREAN = (
    "어제 우리는 이사에 대해 오래 이야기했습니다. 언니는 매일 아침 여섯 시 반에 출근하기 때문에 역 근처에 살고 "
    "싶어 합니다. 저는 조용한 서재가 더 중요합니다. 계약은 아마 삼월 십사일에 할 것입니다."
)
EMOJI = "Great news 🎉🎉 we got the flat!! 😍🏠 Moving on Friday 🚚💨 see you there 👋🙂 can't wait ❤️🔥 "


def texts() -> dict[str, str]:
    """Texts by what they are."""
    chat = "\n".join(f"user: {question(n)}\nassistant: {sentence(n)}" for n in range(300))
    pages = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs/explanation").glob("*.md")))
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "src/agent_memory_server/domain").glob("*.py")))
    records = [{"id": f"m{n}", "text": sentence(n), "topics": ["note"], "pinned": n % 7 == 0} for n in range(200)]
    return {
        "chat, English": chat,
        "prose, English": pages,
        "Python": code,
        "JSON": json.dumps(records),
        "German": GERMAN,
        "Spanish": SPANISH,
        "Russian": RUSSIAN,
        "Chinese": CHINESE,
        "Japanese": JAPANESE,
        "Korean": KOREAN,
        "emoji": EMOJI,
    }


async def measured(encoding: str, given: Mapping[str, str]) -> list[dict[str, object]]:
    """A row for each text. Raises: SystemExit, when tokens cannot be counted."""
    counts = await TiktokenEncodings().count(encoding, list(given.values()))
    if counts is None:
        raise SystemExit("tiktoken or its files are missing: pip install 'agent-memory-server[litellm]'")
    rows: list[dict[str, object]] = []
    for (name, text), tokens in zip(given.items(), counts, strict=True):
        estimate, quarter = estimate_tokens(text), max(1, (len(text) + 3) // 4)
        rows.append(
            {
                "text": name,
                "tokens": tokens,
                "estimate": estimate,
                "error_percent": round((estimate / tokens - 1) * 100, 1),
                "characters_by_four_error_percent": round((quarter / tokens - 1) * 100, 1),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoding", choices=list(FILES), default="o200k_base")
    parser.add_argument("--text", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    own = {name: Path(file).read_text("utf-8") for name, _, file in (one.partition("=") for one in asked.text)}
    rows = asyncio.run(measured(asked.encoding, texts() | own))
    print(f"| {asked.encoding} | tokens | estimate | error | characters / 4 |\n|---|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row['text']} | {row['tokens']} | {row['estimate']} | {row['error_percent']:+} % | "
            f"{row['characters_by_four_error_percent']:+} % |"
        )
    if asked.json:
        asked.json.write_text(json.dumps({"encoding": asked.encoding, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
