"""Column lineage for a person: a tree in words, one JSON document, a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tailrace.cli.frame import Frame
from tailrace.cli.render import count
from tailrace.cli.steps import opened
from tailrace.errors import refused_by_system
from tailrace.plan.lineage.answer import Answer, document, lineage
from tailrace.plan.lineage.flow import Flow, How, Place

EXPRESSION = 90
"""Characters of an expression that a line shows; --json has all of it."""


def show_lineage(frame: Frame, text: str, *, indirect: bool, svg: str | None) -> None:
    """What a column comes from and where it goes; all columns of a model."""
    found = lineage(opened(frame))
    asked = found.find(text)
    flow = found.flow(asked)
    answers = found.answers(asked, flow, indirect=indirect)
    texts = found.expressions(flow, answers)
    documents = [document(answer, flow, texts, indirect=indirect) for answer in answers]
    frame.document({"model": asked.name, "columns": documents} if asked.model else documents[0])
    for line in _list(answers) if asked.model else _tree(answers[0], flow, texts):
        frame.say(line)
    for note in dict.fromkeys(note for answer in answers for note in answer.notes):
        frame.say(f"not certain: {note}")
    if asked.model and not found.models[asked.model.name].complete:
        frame.say(f"{asked.name} may have more columns: its SQL does not list them")
    if svg is not None:
        _draw(frame, answers, flow, svg)


def _list(answers: list[Answer]) -> Iterator[str]:
    """A model's columns, each with its far ends."""
    for answer in answers:
        yield answer.name
        yield f"    from  {_ends(answer.inputs, answer) or _nothing(answer)}"
        if answer.outputs:
            yield f"    to    {_ends(answer.outputs, answer)}"


def _ends(names: tuple[str, ...], answer: Answer) -> str:
    return ", ".join(f"({name})" if name in answer.indirect else name for name in names)


def _tree(answer: Answer, flow: Flow, texts: Mapping[Place, str]) -> Iterator[str]:
    """Both directions; what was told above is not told again."""
    back: dict[Place, list[tuple[Place, How]]] = {}
    on: dict[Place, list[tuple[Place, How]]] = {}
    for edge in answer.edges:
        back.setdefault(edge.to, []).append((edge.source, edge.how))
        on.setdefault(edge.source, []).append((edge.to, edge.how))
    first = next((place for place in answer.places if place in texts), answer.places[0])
    yield f"{answer.name}{_by(first, flow, texts)}"
    for title, steps in (("comes from", back), ("goes to", on)):
        lines = [
            line for place in answer.places for line in _branches(place, steps, flow, texts, "  ", {place})
        ]
        if lines:
            yield title
            yield from lines
    if not answer.edges:
        yield f"comes from {_nothing(answer)}, and {_nobody(answer)}"
    elif answer.unanswered and not any(place in back for place in answer.places):
        yield f"comes from {_nothing(answer)}"


def _nothing(answer: Answer) -> str:
    """What stands where no input is known."""
    if answer.unanswered:
        return "what is known only after the warehouse answers"
    return "nothing but constants and row counts"


def _nobody(answer: Answer) -> str:
    return "no model or sync reads it" if answer.places[0].kind == "column" else "nothing else is known of it"


def _branches(
    place: Place,
    steps: Mapping[Place, list[tuple[Place, How]]],
    flow: Flow,
    texts: Mapping[Place, str],
    indent: str,
    told: set[Place],
) -> Iterator[str]:
    stack = [(other, how, indent) for other, how in reversed(steps.get(place, []))]
    while stack:
        other, how, left = stack.pop()
        again = other in told
        told.add(other)
        mark = "filtered by " if how == "indirect" else ""
        more = "  (see above)" if again and steps.get(other) else ""
        yield f"{left}{mark}{flow.shown[other]}{'' if again else _by(other, flow, texts)}{more}"
        if not again:
            stack += [(far, kind, left + "  ") for far, kind in reversed(steps.get(other, []))]


def _by(place: Place, flow: Flow, texts: Mapping[Place, str]) -> str:
    """The expression that makes a column, or the sync that writes a field."""
    if place.kind == "field":
        return f"  by sync {', '.join(dict.fromkeys(sync.name for sync in flow.syncs.get(place, ())))}"
    text = " ".join(texts.get(place, "").split())
    return f"  = {text[:EXPRESSION]}{'...' if len(text) > EXPRESSION else ''}" if text else ""


def _draw(frame: Frame, answers: list[Answer], flow: Flow, path: str) -> None:
    from tailrace.plan.lineage.picture import picture

    drawn = picture(answers, flow)
    try:
        Path(path).write_text(drawn.svg, encoding="utf-8")
    except OSError as error:
        raise refused_by_system(error) from error
    frame.say(f"{path}: {count(drawn.columns, 'column')} in {count(drawn.tables, 'table')}")
