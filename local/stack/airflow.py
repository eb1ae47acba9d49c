"""Airflow's settings on the laptop, as environment variables, and its database."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

from stack.settings import ACCOUNT, REGION, STAGE, Settings


def home(settings: Settings) -> Path:
    """The directory with Airflow's database and the logs of its tasks."""
    return settings.run_dir / "airflow"


def added_dags(settings: Settings) -> Path:
    """A directory for further DAGs, which are there as long as the stack is up."""
    return home(settings) / "dags"


def database(settings: Settings) -> Path:
    """Airflow's SQLite database."""
    return home(settings) / "airflow.db"


def use_database(file: Path, patience_seconds: int = 60) -> dict[str, str]:
    """What makes Airflow use this SQLite database.

    patience_seconds: how long to wait for another writer; Python's default of 5 is too short on a busy machine
    """
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{file}?timeout={patience_seconds}"}


def serve_database(file: Path) -> dict[str, str]:
    """What makes the API server use this SQLite database."""
    # It notes who changes what from its event loop, and meanwhile one of its own threads can hold the database's lock
    # that needs this loop to let go of it: both then wait for as long as they may, and nobody else is answered. Tasks
    # that want to start are killed if that is longer than EXECUTION_API_TIMEOUT; whoever gets a 500 asks again.
    return use_database(file, patience_seconds=3)


def environment(settings: Settings) -> dict[str, str]:
    """What makes any `airflow` command, and the DAGs, belong to this stack."""
    directory = home(settings)
    connection = {
        "conn_type": "aws",
        "login": "test",
        "password": "test",
        "extra": {"region_name": REGION, "endpoint_url": settings.aws_url},
    }
    variables = {
        **use_database(database(settings)),
        "AIRFLOW_HOME": str(directory),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "SLUICEWAY_STAGE": STAGE,
        "SLUICEWAY_DEPLOYMENT": "laptop",
        "SLUICEWAY_REPORTS": str(settings.run_dir / "reports"),
        # The output AirflowQueue; nobody has to ask for it before Airflow is started.
        "SLUICEWAY_AIRFLOW_QUEUE": f"{settings.aws_url}/{ACCOUNT}/sluiceway-{STAGE}-airflow-events",
        # Process titles must not overwrite the environment that the stack finds its processes by.
        "SPT_NOENV": "1",
    }
    options = {
        "API__HOST": "127.0.0.1",
        "API__PORT": settings.airflow_port,
        "API__BASE_URL": settings.airflow_url,
        "API__INSTANCE_NAME": "Sluiceway on this machine",
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        # No log-in: whoever can reach 127.0.0.1 may use the stack, as local/README.md says.
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
        "CORE__DAGS_FOLDER": settings.root / "airflow-dags" / "dags",
        "CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__LOAD_EXAMPLES": False,
        # Each running task is a Python process of about 200 MB.
        "CORE__PARALLELISM": 4,
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": _bundles(settings),
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        # A new or changed DAG shows within seconds.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 10,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 10,
        # A task's end is noticed only after this many seconds, 5 by default; the waits' min_wait follows it.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        # How long a task's process waits for an answer of the API server; 5 s by default.
        "WORKERS__EXECUTION_API_TIMEOUT": 30,
        "LOGGING__BASE_LOG_FOLDER": directory / "logs",
        "USAGE_DATA_COLLECTION__ENABLED": False,
        **_keys(settings),
    }
    return variables | {f"AIRFLOW__{name}": str(value) for name, value in options.items()}


def _bundles(settings: Settings) -> str:
    # Without a path, a bundle is at DAGS_FOLDER.
    arguments = {"dags-folder": {}, "added-dags": {"path": str(added_dags(settings))}}
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": name, "classpath": classpath, "kwargs": kwargs} for name, kwargs in arguments.items()])


def make_keys(settings: Settings) -> None:
    """Makes the keys that Airflow's processes share, unless they are there; only one process may do so at a time."""
    file = _keys_file(settings)
    if file.exists():
        return
    keys = {
        "API__SECRET_KEY": secrets.token_urlsafe(32),
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
        "CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    # Kept from other users.
    temporary = file.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(keys))
    temporary.replace(file)


def _keys(settings: Settings) -> dict[str, str]:
    try:
        keys: dict[str, str] = json.loads(_keys_file(settings).read_text())
    except FileNotFoundError:
        # Nothing was started yet, so there is no Airflow to share them with.
        return {}
    return keys


def _keys_file(settings: Settings) -> Path:
    # Beside Airflow's directory, which is emptied before each start of the stack.
    return settings.run_dir / "airflow-keys.json"
