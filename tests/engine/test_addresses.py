"""Addresses of dynos: one that another dyno had a moment ago is the new one's at once."""

from __future__ import annotations

import socket

import pytest

from contract.lab import Lab, wait_until

pytestmark = pytest.mark.docker


def address_of(lab: Lab, runtime_id: str) -> str:
    found = lab.runtime.container(runtime_id)
    assert found is not None
    assert found.address is not None
    return found.address


def answers(address: str) -> bool:
    try:
        socket.create_connection((address, 5000), timeout=1).close()
    except OSError:
        return False
    return True


def test_an_address_of_another_before_is_reached_at_once(docker_lab: Lab):
    """The host knew it by another interface; it would send there for half a minute."""
    docker_lab.run("hang")  # or the bridge goes down meanwhile, and the host forgets by itself
    first = docker_lab.run("serve")
    address = address_of(docker_lab, first)
    wait_until(lambda: answers(address))
    docker_lab.runtime.remove(first)
    second = docker_lab.run("serve")
    assert address_of(docker_lab, second) == address, "the engine gives out the lowest free one"
    wait_until(lambda: answers(address), 10)
