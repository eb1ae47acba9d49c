"""Ports that are free, and ports that aren't."""

import os
import socket

import psutil
import pytest

from stack.ports import describe_owner, is_held_by, port_is_free


def test_port_is_free_nobody_listens_is_true(free_port: int) -> None:
    assert port_is_free(free_port)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_port_is_free_somebody_listens_is_false(host: str, free_port: int) -> None:
    with socket.create_server((host, free_port)):
        assert not port_is_free(free_port)


def test_describe_owner_own_port_names_this_process(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        assert f"(pid {os.getpid()})" in describe_owner(free_port)


def test_describe_owner_nobody_listens_names_nobody(free_port: int) -> None:
    assert describe_owner(free_port) == "another process"


def test_is_held_by_own_port_is_true_for_this_process_only(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        assert is_held_by(free_port, [psutil.Process()])
        assert not is_held_by(free_port, [])


def test_is_held_by_nobody_listens_is_false(free_port: int) -> None:
    assert not is_held_by(free_port, [psutil.Process()])
