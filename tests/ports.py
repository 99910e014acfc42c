"""Ports for the servers of tests."""

from __future__ import annotations

import random
import socket

# Below those that systems take for connections that leave the machine: between the asking and the listening, nobody
# else is given one of these.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
