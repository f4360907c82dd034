"""Memories made of templates: tight clusters of similar sentences, about 90 characters each, the same every time."""

from __future__ import annotations

import random

_WHO = "Ada Ben Chloe Dmitri Elena Farid Grace Hiro Ines Jonas Kemal Lena Mateo Nadia Omar Priya".split()
_WHAT = "prefers|enjoys|has stopped|recommends|is planning|asked about|was told to avoid|bought a book about".split("|")
_TOPIC = (
    "morning meetings|green tea|trail running|jazz concerts|gluten-free bread|pottery classes|night trains|"
    "electric bikes|chess openings|balcony gardening|sourdough baking|old film cameras|remote work|salsa dancing|"
    "bird watching|mechanical keyboards|cold-water swimming|open-source licences|sign language|mountain huts"
).split("|")
_PLACE = "Lisbon Vienna Oslo Kyoto Toronto Nairobi Lima Ghent Tallinn Porto Leipzig Bergen Split Turin".split()
_WHEN = "in spring|last autumn|on Tuesdays|before breakfast|since the move|with her sister|after work|every June".split(
    "|"
)


def sentence(number: int) -> str:
    """The sentence of a number."""
    pick = random.Random(number)
    first = f"{pick.choice(_WHO)} {pick.choice(_WHAT)} {pick.choice(_TOPIC)} in {pick.choice(_PLACE)}"
    return f"{first} {pick.choice(_WHEN)}, note {number % 9973} about {pick.choice(_TOPIC)}"


def question(number: int) -> str:
    """A question in the words of the sentences."""
    pick = random.Random(10_000_000 + number)
    return f"What does {pick.choice(_WHO)} think of {pick.choice(_TOPIC)} in {pick.choice(_PLACE)}?"
