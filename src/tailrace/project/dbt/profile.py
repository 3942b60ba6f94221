"""What dbt's profiles.yml knows beyond ours: where it lies, and the keys of its DuckDB and BigQuery targets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tailrace.project.reader import Reader
from tailrace.project.secrets import Secret, wrapped

FILE = "profiles.yml"
DUCKDB_KEYS = (
    "schema", "threads", "database", "extensions", "plugins", "secrets", "use_credential_provider", "external_root", "filesystems", "remote",
    "config_options", "module_paths", "retries", "keep_open", "disable_transactions", "is_ducklake", "motherduck_token", "flights",
)  # fmt: skip
CREDENTIALS = (
    "method", "keyfile", "keyfile_json", "token", "refresh_token", "client_id", "client_secret", "token_uri",
    "impersonate_service_account", "execution_project", "priority", "maximum_bytes_billed", "job_execution_timeout_seconds",
    "job_retries", "scopes", "api_endpoint",
)  # fmt: skip
BIGQUERY_KEYS = (
    "schema", "threads", "database", "dataset", "timeout_seconds", "retries", "job_creation_timeout_seconds", "job_retry_deadline_seconds",
    "gcs_bucket", "dataproc_region", "dataproc_cluster_name", "dataproc_batch", "compute_region", "submission_method",
    "quota_project", *CREDENTIALS,
)  # fmt: skip
METHODS = ("oauth", "oauth-secrets", "service-account", "service-account-json")
DBT_KEYS = {"duckdb": DUCKDB_KEYS, "bigquery": BIGQUERY_KEYS}
_NETWORK = {
    "plugins": "Land the data by a pipeline, or attach a DuckDB file",
    "filesystems": "Land the files by a pipeline with `source: filesystem`",
    "remote": "Name a file of this machine by `path`",
    "secrets": "Land the data by a pipeline: its connection keeps the secret",
    "use_credential_provider": "Land the data by a pipeline: its connection keeps the secret",
    "motherduck_token": "Name a file of this machine by `path`",
    "flights": "Write the model in SQL",
    "is_ducklake": "Name a DuckDB file",
}
ATTACHED_ALSO = ("type", "read_only", "secret", "options", "is_ducklake")
BUILT_IN = ("core_functions", "icu", "json", "parquet")
"""Extensions that DuckDB's Python wheel holds: these alone need no download."""


def find_profiles(root: Path) -> tuple[Path, str]:
    """The profiles.yml of a dbt project and its name in diagnostics: in the project, else DBT_PROFILES_DIR, else ~/.dbt."""
    if (root / FILE).is_file():
        return root / FILE, FILE
    if folder := os.environ.get("DBT_PROFILES_DIR"):
        return root / Path(folder).expanduser() / FILE, f"{folder.rstrip('/')}/{FILE}"
    return Path.home() / ".dbt" / FILE, f"~/.dbt/{FILE}"


def missing_fix(profile: str) -> str:
    """What to write, in full: a dbt project's people have their profile elsewhere."""
    name = profile or "acme"
    return (
        f"Write it here: `{name}: {{target: dev, outputs: {{dev: {{type: duckdb, path: {name}.duckdb}}}}}}`; "
        f"it is looked for in the project, in DBT_PROFILES_DIR and in ~/.dbt"
    )


def refuse_network(reader: Reader) -> None:
    """What would fetch or reach something over the network is refused by name."""
    for key, fix in _NETWORK.items():
        if reader.data.get(key):
            reader.key_problem(f"{key} needs the network or another program, and a target has none", fix, key)
    for index, extension in enumerate(reader.items("extensions")):
        name = extension.get("name") if isinstance(extension, dict) else extension
        if name not in BUILT_IN:
            fix = f"Remove it: DuckDB's own are {', '.join(BUILT_IN)}"
            message = f"the extension {str(name)[:60]} would be downloaded"
            reader.problem(message, fix, "extensions", index)


def attached_file(reader: Reader, path: str) -> str:
    """The path of an attached DuckDB file, `duckdb:` and `?access_mode=` in front of and behind it left off."""
    bare = path.removeprefix("duckdb:").partition("?")[0]
    kind = reader.data.get("type", "duckdb")
    foreign = kind != "duckdb" or "://" in bare or bare.startswith(("md:", "motherduck:", "ducklake:"))
    extra = [key for key in ("secret", "options", "is_ducklake") if reader.data.get(key)]
    if foreign or extra:
        what = extra[0] if extra else path if kind == "duckdb" else f"type: {kind}"
        message = f"only DuckDB files of this machine are attached, and this is {str(what)[:60]}"
        reader.problem(message, "Land the data by a pipeline", "path")
        return ""
    return bare


def credentials(reader: Reader) -> dict[str, Any]:
    """BigQuery's further settings as dbt names them; secrets among them are hidden."""
    found = {key: wrapped(key, reader.data[key]) for key in CREDENTIALS if reader.data.get(key) is not None}
    if isinstance(found.get("keyfile_json"), str):  # the whole file as one text, as environments carry it
        found["keyfile_json"] = Secret(found["keyfile_json"])
    return found
