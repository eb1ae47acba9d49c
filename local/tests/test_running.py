"""The real stack: what it listens on while it is up, and what is left when it is down; run by `make test`."""

import contextlib
import ipaddress
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import botocore.config
import psutil
import pytest

from stack.cloud import readable_errors
from stack.ports import port_is_free
from stack.processes import Processes
from stack.progress import Progress
from stack.settings import REGION, STAGE, Settings, load_settings
from stack.stack import Stack


@pytest.fixture
def settings() -> Settings:
    return load_settings()


def ports(settings: Settings) -> set[int]:
    return {
        settings.aws_port,
        settings.airflow_port,
        settings.flink_port,
        settings.flink_rpc_port,
        settings.managed_flink_port,
    }


def living(settings: Settings) -> list[psutil.Process]:
    """The stack's processes: those that carry its mark, those that work in its directory, and all their children."""
    found = set(Processes(settings.run_dir).find())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if f"{process.cwd()}/".startswith(f"{settings.run_dir}/"):
                found.add(process)
    for process in list(found):
        with contextlib.suppress(psutil.Error):
            found.update(process.children(recursive=True))
    return sorted(found, key=lambda process: process.pid)


def listeners(process: psutil.Process) -> list[tuple[str, int]]:
    """The addresses at which a process can be reached: where it listens, and where it takes datagrams."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [
            (connection.laddr.ip, connection.laddr.port)
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN or (connection.status == psutil.CONN_NONE and connection.laddr)
        ]
    return []


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


@pytest.mark.stack
def test_stack_is_up_listens_on_loopback_only(settings: Settings) -> None:
    addresses = {(process.name(), *address) for process in living(settings) for address in listeners(process)}

    assert {port for _, _, port in addresses} >= ports(settings)
    assert sorted(address for address in addresses if not is_loopback(address[1])) == []


def function_processes(settings: Settings) -> list[psutil.Process]:
    """The JVMs of the functions."""
    main = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
    return [process for process in Processes(settings.run_dir).find(["aws"]) if main in process.cmdline()]


@pytest.mark.stack
def test_functions_several_start_at_once_all_answer(settings: Settings) -> None:
    calls = 4
    config = botocore.config.Config(read_timeout=60, retries={"total_max_attempts": 1})
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    client = session.client("lambda", endpoint_url=settings.aws_url, config=config)

    def list_jobs(_call: int) -> str:
        with readable_errors(settings):
            answer = client.invoke(FunctionName=f"sluiceway-{STAGE}-list-jobs", Payload=b'{"cluster": "local"}')
        content = json.load(answer["Payload"])
        return str(content.get("outcome", content))

    with ThreadPoolExecutor(calls) as pool:
        answers = list(pool.map(list_jobs, range(calls)))

    assert answers == ["OBSERVED"] * calls
    # Processes that each put the library into /tmp write over it while another loads it.
    libraries = {
        mapped.path
        for process in function_processes(settings)
        for mapped in process.memory_maps()
        if "libaws-lambda-jni" in mapped.path
    }
    assert libraries
    assert all(Path(library).is_relative_to(settings.run_dir) for library in libraries)


@pytest.mark.stopped
def test_stack_is_down_leaves_no_process_and_no_open_port(settings: Settings) -> None:
    if any(status.state != "stopped" for status in Stack(settings, Progress()).status()):
        pytest.skip("the stack was up before the tests, so it stays up")

    assert living(settings) == []
    assert [port for port in sorted(ports(settings)) if not port_is_free(port)] == []
