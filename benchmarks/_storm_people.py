"""People who keep changing, in our model and in the CRM, and what of them the CRM must show in the end."""

from __future__ import annotations

import csv
import random
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path

GRADES = ("A", "B", "C", "D")
AWKWARD = (
    'say "hi"',
    "two\nlines",
    "é and e\u0301",
    "🙂 smile",
    "=HYPERLINK(1)",
    "a;b,c",
    "O'Neil \\ co",
    "  blanks  ",
)


@dataclass
class Person:
    """A row of the model; `email` is the CRM's key, `grade` an enumeration there."""

    person_id: int
    email: str
    score: int
    grade: str
    note: str
    jobtitle: str
    consent: bool = True
    is_customer: bool = True


@dataclass
class People:
    """The model's rows, and what people typed into the CRM beside them."""

    dice: random.Random
    rows: dict[int, Person] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    """Job titles that somebody typed in the CRM, by e-mail."""
    spared: set[str] = field(default_factory=set)
    """E-mails of people who left the model while nothing may be sent about them: their records stay as they are."""
    born: int = 0

    def add(self) -> None:
        self.born += 1
        number = self.born
        self.rows[number] = Person(number, f"p{number}@storm.example", 50, "A", "new", "ours")
        self.change(self.rows[number])

    def change(self, person: Person) -> None:
        """One thing about a person: mostly good, sometimes what a gate or the CRM refuses."""
        dice = self.dice
        what = dice.random()
        if what < 0.5:
            person.score, person.grade = dice.randint(0, 100), dice.choice(GRADES)
        elif what < 0.7:
            person.note = dice.choice(AWKWARD) + dice.choice(string.ascii_letters)
        elif what < 0.78:
            person.email = f"p{person.person_id}.{dice.randint(1, 99)}@storm.example"
        elif what < 0.84:
            person.consent = not person.consent
        elif what < 0.9:
            person.is_customer = not person.is_customer
        elif what < 0.95:
            person.grade = "Z" if person.grade != "Z" else "A"
        else:
            person.score = 999 if person.score <= 100 else 10

    def round(self) -> None:
        for _ in range(self.dice.randint(0, 20)):
            self.add()
        for person in self.dice.sample(list(self.rows.values()), len(self.rows) // 30):
            self.change(person)
        for person in self.dice.sample(list(self.rows.values()), len(self.rows) // 100):
            if not person.consent:
                self.spared.add(person.email.casefold())
            del self.rows[person.person_id]
        if (
            len(self.rows) > 1 and self.dice.random() < 0.3
        ):  # two rows that claim one record, in another spelling
            one, other = self.dice.sample(list(self.rows.values()), 2)
            other.email = one.email.upper()

    def write(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as out:
            table = csv.DictWriter(out, list(Person.__dataclass_fields__), quoting=csv.QUOTE_ALL)
            table.writeheader()
            table.writerows(asdict(self.rows[key]) for key in sorted(self.rows))

    def fate(self) -> dict[int, str]:
        """Each row's status in the ledger once all is calm: the rules of docs/activation-rules.md, written down again."""
        open_rows = {
            key: one for key, one in self.rows.items() if one.consent and one.is_customer and one.score <= 100
        }
        claims: dict[str, int] = {}
        for one in open_rows.values():
            claims[one.email.casefold()] = claims.get(one.email.casefold(), 0) + 1
        return {key: self._fate(one, claims) for key, one in self.rows.items()}

    def _fate(self, one: Person, claims: dict[str, int]) -> str:
        if not one.consent:
            return "suppressed"
        if not one.is_customer:
            return "filtered"
        if one.score > 100:
            return "quarantined"
        return "dead" if one.grade not in GRADES or claims[one.email.casefold()] > 1 else "acked"
