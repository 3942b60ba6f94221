"""Templates in profiles.yml: the plain calls that are read without Jinja say what Jinja says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tailrace.project import render
from tailrace.project.render import Renderer
from tailrace.project.secrets import Secret
from tailrace.project.spec import Marks

PLAIN = [
    "{{ env_var('SET') }}",
    '{{env_var("SET")}}',
    "  {{ env_var('SET') }}  ",
    "{{ env_var('SET', 'default') }}",
    "{{ env_var('UNSET', 'http://127.0.0.1:8080') }}/hubspot",
    "{{ env_var('UNSET', '') }}",
    "{{ env_var( 'UNSET' ,\n \"a b\" ) }}",
    "a {{ env_var('SET') }} b {{ env_var('UNSET', 'c') }} }} %} \n",
    "{{ env_var('BRACES') }}",
    "x{{ env_var('BRACES') }}",
    "{{ env_var('UNSET') }}",
    "{{ env_var('') }}",
    "{{ secret('env:SET') }}",
    "Bearer {{ secret('env:SET') }}",
    "{{ secret('env:SET') }}{{ secret('env:BRACES') }}",
    "{{ secret('env:UNSET') }}",
    "{{ secret('env:SET') }}{{ env_var('UNSET') }}",
    "{{ secret('vault:SET') }}",
    "{{ secret('') }}",
    "{{ secret('file:no\0file') }}",
]
MORE = [
    "{{ env_var('PORT') | as_number }}",
    "{{ env_var('a\\'b', 'c') }}",
    "{{- env_var('SET') -}}",
    "{{ env_var('SET') }}{# a note #}",
    "{% if true %}{{ env_var('SET') }}{% endif %}",
    "{{ env_var(secret('env:SET')) }}",
    "{{ env_var('SET' }}",
    "{{ unknown('SET') }}",
    "{{ env_var('SET') }}\r\n",
]


def rendered(text, key):
    problems = []
    value = Renderer(None, Marks("profiles.yml"), problems).render(text, (key,))
    shown = ("secret", sorted(value.reveal_all())) if isinstance(value, Secret) else value
    return shown, [(problem.message, problem.fix) for problem in problems]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in {"SET": "value-of-set", "BRACES": "{{ 1 + 1 }}", "PORT": "8080"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UNSET", raising=False)


@pytest.mark.parametrize("key", ["base_url", "api_key"])
@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_call_says_what_jinja_says(text, key, monkeypatch, tmp_path):
    monkeypatch.setattr(Renderer, "_evaluate", lambda *_: pytest.fail("this went through Jinja"))
    found = rendered(text, key)
    monkeypatch.undo()
    monkeypatch.setenv("SET", "value-of-set")
    monkeypatch.setenv("BRACES", "{{ 1 + 1 }}")
    monkeypatch.setattr(Renderer, "_plain", Renderer._evaluate)
    assert rendered(text, key) == found


@pytest.mark.parametrize("text", MORE)
def test_more_than_plain_calls_is_jinja_s(text, monkeypatch):
    called = []
    monkeypatch.setattr(Renderer, "_plain", lambda _self, text: called.append(text))
    monkeypatch.setattr(render, "_template_error", lambda: Exception)
    rendered(text, "base_url")
    assert called == []


def test_plain_calls_import_no_jinja():
    code = (
        "import sys; from tailrace.project.render import Renderer; from tailrace.project.spec import Marks\n"
        "found = []; renderer = Renderer(None, Marks('profiles.yml'), found)\n"
        "assert renderer.render(\"{{ env_var('NOBODY_SETS_THIS', 'x') }}\") == 'x'\n"
        "renderer.render(\"{{ env_var('NOBODY_SETS_THIS') }}\"); assert len(found) == 1\n"
        "sys.exit('jinja2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
