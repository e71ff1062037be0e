"""Throw-away servers of transfers that do not go on are removed, and no others."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

from kedge_addons.postgres.backups import runner, scratch


def test_one_that_begins_during_a_sweep_keeps_its_server(monkeypatch):
    """A transfer is open before it has a server, so servers are listed before it is asked."""
    open_ids, servers, removed = {uuid.uuid4()}, {uuid.uuid4()}, []
    left = set(servers)

    def begin():
        """Another thread opens a transfer and starts its server, whatever is asked first."""
        open_ids.add(new := uuid.uuid4())
        servers.add(new)

    def left_over(_instances):
        found = set(servers)
        begin()
        return found

    def in_state(*_states):
        found = [SimpleNamespace(id=each) for each in open_ids]
        begin()
        return found

    monkeypatch.setattr(scratch, "left_over", left_over)
    monkeypatch.setattr(scratch, "remove", lambda _instances, one: removed.append(one))
    transfers = SimpleNamespace(in_state=in_state)
    service = SimpleNamespace(
        tools=SimpleNamespace(instances=None), backups=SimpleNamespace(transfers=transfers)
    )
    runner.Runner(service).sweep()
    assert set(removed) == left
