"""What is wrong with the people's data, on purpose: every real portal has it."""

from __future__ import annotations

import random

from tailrace.sandbox.world.contacts import Person
from tailrace.sandbox.world.draw import share, stream

# kept as they are written: what breaks CSV, SQL, YAML, HTML and spreadsheets downstream
ODD_NAMES = (
    (None, None),
    (None, "Keller"),
    ("Siobhán", "O'Neil"),
    ('Robert "Bob"', "Ward"),
    ("Smith, Jane", "Ward, Jr."),
    ("Li\nWei", "Zhang"),
    ("Zoë 🚀", "Müller-Łukasiewicz"),
    ('=HYPERLINK("https://click.example","Free")', "Evans"),
    ("美咲", "田中"),
    ("Ольга", "Иванова"),
    ("محمد", "إبراهيم"),
    ("<b>Ana</b>", "Silva & Sons"),
    ("Drop'); --", "Table\\"),
    ("NULL", "None"),
    ("  Erik ", " Berg"),
    ("{{ name }}", "${USER}"),
)
COUNTRY_SPELLINGS = {
    "United States": ("USA", "usa", "U.S."),
    "Germany": ("Deutschland", "DE"),
    "United Kingdom": ("UK", "Great Britain"),
}


def soil(seed: int, people: list[Person]) -> None:
    """Spoil a fixed share of freshly made people in place; no two ever share an e-mail, trimmed and in lower case."""
    rng = stream(seed, "dirt")
    count = len(people)
    parts = _disjoint(rng, count, (share(count, 1), share(count, 1), share(count, 0.5)))
    for index in parts[0]:
        _untidy_email(rng, people[index])
    for index in parts[1]:
        del people[index].record["properties"]["email"]
    for index in parts[2]:
        properties = people[index].record["properties"]
        properties["email"] = _malformed(rng, properties["email"])
    _odd_names(rng, people)
    for index in rng.sample(range(count), share(count, 3)):
        people[index].record["properties"]["hs_email_optout"] = "true"
    for index in rng.sample(range(count), share(count, 2)):
        properties = people[index].record["properties"]
        properties["country"] = rng.choice(
            COUNTRY_SPELLINGS.get(properties["country"], (properties["country"],))
        )


def _disjoint(rng: random.Random, count: int, sizes: tuple[int, ...]) -> list[list[int]]:
    chosen = rng.sample(range(count), min(count, sum(sizes)))
    parts = []
    for size in sizes:
        parts.append(chosen[:size])
        chosen = chosen[size:]
    return parts


def _untidy_email(rng: random.Random, person: Person) -> None:
    properties = person.record["properties"]
    email = properties["email"]
    properties["email"] = rng.choice(
        (email.upper(), email.title(), f" {email}", f"{email} ", f" {email.upper()}  ")
    )


def _malformed(rng: random.Random, email: str) -> str:
    user, _, domain = email.partition("@")
    return rng.choice(
        (
            f"{user}@@{domain}",
            f"{user}.{domain}",
            f"{user}@",
            f"{user} @{domain}",
            f"{user}@localhost,{domain}",
        )
    )


def _odd_names(rng: random.Random, people: list[Person]) -> None:
    """Every odd name at least once in a world of 200 and more, 0.5% of the people in large ones."""
    size = max(share(len(people), 0.5), min(len(ODD_NAMES), len(people) // 12))
    for turn, index in enumerate(rng.sample(range(len(people)), size)):
        first, last = ODD_NAMES[turn % len(ODD_NAMES)]
        properties = people[index].record["properties"]
        for name, value in (("firstname", first), ("lastname", last)):
            if value is None:
                properties.pop(name, None)
            else:
                properties[name] = value
