"""Whether a port can be listened on, and who has it if not."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

import psutil

HOST = "127.0.0.1"


def port_is_free(port: int) -> bool:
    """Whether a server can start to listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        # A server on 0.0.0.0 doesn't hinder the bind below on every system, so ask for an answer as well.
        if client.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
    return True


def is_held_by(port: int, processes: Iterable[psutil.Process]) -> bool:
    """Whether one of these processes listens on this port."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return True
    return False


def describe_owner(port: int) -> str:
    """Names the process that listens on a port, such as "java (pid 4711)", as far as this user may know it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another process"
