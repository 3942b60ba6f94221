from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import BadInput
from tailrace.project.selection import Node, select

#   hubspot -> hubspot.contacts -> stg_contacts -+-> lead_scores -> suite -> sync
#   ga4     -> ga4.sessions     -> stg_sessions -+        rates -> channels
NODES = [
    Node("pipeline:hubspot", "pipeline", "hubspot", ("crm",), "pipelines/hubspot.yml"),
    Node("pipeline:ga4", "pipeline", "ga4", ("web",), "pipelines/ga4.yml"),
    Node(
        "source:hubspot.contacts",
        "source",
        "hubspot.contacts",
        (),
        "pipelines/hubspot.yml",
        ("pipeline:hubspot",),
    ),
    Node("source:ga4.sessions", "source", "ga4.sessions", (), "pipelines/ga4.yml", ("pipeline:ga4",), "acme"),
    Node("seed:rates", "seed", "rates", (), "seeds/rates.csv"),
    Node(
        "model:stg_contacts",
        "model",
        "stg_contacts",
        ("daily",),
        "models/staging/hubspot/stg_contacts.sql",
        ("source:hubspot.contacts",),
        fqn=("acme", "staging", "hubspot", "stg_contacts"),
    ),
    Node(
        "model:stg_sessions",
        "model",
        "stg_sessions",
        (),
        "models/staging/stg_sessions.sql",
        ("source:ga4.sessions",),
        fqn=("acme", "staging", "stg_sessions"),
    ),
    Node(
        "model:lead_scores",
        "model",
        "lead_scores",
        ("daily", "crm"),
        "models/marts/lead_scores.sql",
        ("model:stg_contacts", "model:stg_sessions"),
        config={"meta": {"own": {"who": "Me"}, "pii": True}, "materialized": "table"},
        fqn=("acme", "marts", "lead_scores"),
    ),
    Node(
        "model:channels",
        "model",
        "channels",
        (),
        "models/marts/channels.sql",
        ("seed:rates", "model:stg_sessions"),
        config={"materialized": "view", "tags": ["a"]},
        fqn=("acme", "marts", "channels"),
    ),
    Node(
        "suite:lead_scores",
        "suite",
        "lead_scores",
        (),
        "expectations/lead_scores.yml",
        ("model:lead_scores",),
    ),
    Node(
        "sync:hubspot_lead_scores",
        "sync",
        "hubspot_lead_scores",
        ("crm",),
        "reverse/x.yml",
        ("model:lead_scores", "suite:lead_scores", "unknown:x"),
    ),
    Node("exposure:board", "exposure", "board", depends_on=("model:channels", "source:ga4.sessions")),
]
ALL = {node.id for node in NODES}


def short(ids):
    return {node_id.replace("model:", "") for node_id in ids}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lead_scores", {"lead_scores", "suite:lead_scores"}),
        ("model:lead_scores", {"lead_scores"}),
        ("suite:lead_scores", {"suite:lead_scores"}),
        ("1+model:lead_scores", {"lead_scores", "stg_contacts", "stg_sessions"}),
        ("model:lead_scores+1", {"lead_scores", "suite:lead_scores", "sync:hubspot_lead_scores"}),
        (
            "stg_sessions+",
            {
                "stg_sessions",
                "lead_scores",
                "channels",
                "suite:lead_scores",
                "sync:hubspot_lead_scores",
                "exposure:board",
            },
        ),
        ("exposure:board", {"exposure:board"}),
        ("1+exposure:*", {"exposure:board", "channels", "source:ga4.sessions"}),
        (
            "@seed:rates",
            {
                "seed:rates",
                "channels",
                "exposure:board",
                "stg_sessions",
                "source:ga4.sessions",
                "pipeline:ga4",
            },
        ),
        ("@suite:lead_scores,model:*", {"lead_scores", "stg_contacts", "stg_sessions"}),
        ("fqn:acme.marts.lead_scores", {"lead_scores"}),
        ("fqn:marts", {"lead_scores", "channels"}),
        ("fqn:lead_scores", {"lead_scores"}),
        ("acme.staging.hubspot", {"stg_contacts"}),
        ("acme.*.stg_*", {"stg_sessions"}),
        ("config.meta.own.who:me", {"lead_scores"}),
        ("config.meta.own:who", {"lead_scores"}),
        ("config.meta.pii:true", {"lead_scores"}),
        ("config.tags:A", {"channels"}),
        ("config.materialized:table+1", {"lead_scores", "suite:lead_scores", "sync:hubspot_lead_scores"}),
        ("+channels", {"channels", "seed:rates", "stg_sessions", "source:ga4.sessions", "pipeline:ga4"}),
        ("2+channels", {"channels", "seed:rates", "stg_sessions", "source:ga4.sessions"}),
        ("0+channels", {"channels"}),
        ("1+stg_contacts+1", {"source:hubspot.contacts", "stg_contacts", "lead_scores"}),
        ("tag:daily", {"stg_contacts", "lead_scores"}),
        ("tag:da*", {"stg_contacts", "lead_scores"}),
        ("tag:daily,tag:crm", {"lead_scores"}),
        ("tag:daily,path:models/staging", {"stg_contacts"}),
        ("path:models/staging", {"stg_contacts", "stg_sessions"}),
        ("path:./models/staging/", {"stg_contacts", "stg_sessions"}),
        ("models/marts/channels.sql", {"channels"}),
        ("path:models/*/*.sql", {"stg_contacts", "stg_sessions", "lead_scores", "channels"}),
        ("path:models/stag", None),
        ("staging", {"stg_contacts", "stg_sessions"}),
        ("staging.hubspot", {"stg_contacts"}),
        ("marts.lead_scores", {"lead_scores"}),
        ("stg_*", {"stg_contacts", "stg_sessions"}),
        ("pipeline:hubspot", {"pipeline:hubspot"}),
        ("sync:hubspot_*", {"sync:hubspot_lead_scores"}),
        ("seed:rates channels", {"seed:rates", "channels"}),
        ("source:hubspot.contacts+1", {"source:hubspot.contacts", "stg_contacts"}),
        ("source:ga4", {"source:ga4.sessions"}),
        ("source:acme.ga4.sessions", {"source:ga4.sessions"}),
        ("state:modified", {"lead_scores", "stg_contacts"}),
        ("state:modified+1,tag:daily", {"lead_scores", "stg_contacts"}),
    ],
)
def test_words(words, expected):
    modified = {"model:lead_scores", "stg_contacts"}
    if expected is None:
        with pytest.raises(BadInput, match="selects nothing"):
            select(NODES, [words], (), modified)
    else:
        got = select(NODES, [words], (), modified)
        if words.startswith("state:modified"):
            got.discard("suite:lead_scores")
        assert short(got) == expected


def test_several_texts_add_up_and_excludes_are_taken_away():
    assert select(NODES) == ALL
    assert select(NODES, ["  "]) == ALL
    assert select(NODES, ["channels", "seed:rates"]) == {"model:channels", "seed:rates"}
    assert select(NODES, ["tag:daily"], ["stg_contacts"]) == {"model:lead_scores"}
    assert select(NODES, [], ["+sync:hubspot_lead_scores", "exposure:board"]) == {
        "seed:rates",
        "model:channels",
    }
    assert select(NODES, ["tag:crm,seed:rates"]) == set()


def test_nothing_modified_selects_nothing():
    assert select(NODES, ["state:modified"], (), set()) == set()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("lead_score", "lead_score selects nothing. Did you mean lead_scores?"),
        ("tag:dayly", "tag:dayly selects nothing. Did you mean daily?"),
        ("path:models/mart", "path:models/mart selects nothing. Did you mean models/marts?"),
        ("pipelin:hubspot", "pipelin:hubspot: there is no selection by pipelin. Did you mean pipeline?"),
        ("pipeline:hubspott", "pipeline:hubspott selects nothing. Did you mean hubspot?"),
        (
            "@lead_scores+",
            "@lead_scores+: @ goes both ways already, and takes no +. Leave out the + or write +name+",
        ),
        ("@+lead_scores", "@+lead_scores: @ goes both ways already"),
        ("@lead_score", "lead_score selects nothing. Did you mean lead_scores?"),
        ("exposure:bored", "exposure:bored selects nothing. Did you mean board?"),
        ("fqn:acme.marts.lead_score", "selects nothing. Did you mean acme.marts.lead_scores?"),
        ("config.meta.pii:treu", "config.meta.pii:treu selects nothing. Did you mean true?"),
        (
            "config.materialised:table",
            "selects nothing. Known: config.materialized, config.meta, config.tags",
        ),
        ("+", "'+' is not a selection"),
        ("a,,b", None),
        (",", None),
        ("lead_scores++", "is not a selection"),
        ("state:new", "state:new is not known. Write state:modified"),
        ("state:modified", "cannot be used here"),
        ("tag:", "is not a selection"),
    ],
)
def test_words_that_mean_nothing(word, message):
    with pytest.raises(BadInput) as caught:
        select(NODES, [word])
    assert message is None or message in str(caught.value)
    with pytest.raises(BadInput):
        select(NODES, [], [word])


def test_a_cycle_does_not_hang():
    cycle = [
        Node("model:a", "model", "a", depends_on=("model:b",)),
        Node("model:b", "model", "b", depends_on=("model:a",)),
    ]
    assert select(cycle, ["+a"]) == select(cycle, ["a+"]) == {"model:a", "model:b"}


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abstg_:+,*@.[]/ 0129", max_size=20))
def test_any_text_is_a_selection_or_bad_input(text):
    try:
        assert select(NODES, [text]) <= ALL
    except BadInput as error:
        assert error.message
