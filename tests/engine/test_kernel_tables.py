"""Ports and memory as the kernel tells them, and Docker's time stamps."""

from __future__ import annotations

from pathlib import Path

from kedge.engine.docker.sockets import listening_ports
from kedge.engine.docker.times import nanoseconds, nanoseconds_or_none, since
from kedge.engine.docker.usage import cpu_seconds, used_bytes

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue"


def row(address: str, port: int, state: str = "0A") -> str:
    return f"   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000"


class TestPorts:
    def test_listening_only(self):
        """Established connections are no ports listened on."""
        assert listening_ports([HEADER, row("00000000", 5000), row("0200D20A", 5001, "01")]) == [
            5000
        ]

    def test_loopback_in_all_its_forms(self):
        """127.x, ::1 and 127.x within IPv6 are loopback."""
        tables = [
            row("0100007F", 1),
            row("00000000000000000000000001000000", 2),
            row("0000000000000000FFFF00000100007F", 3),
        ]

        assert listening_ports(tables) == [-3, -2, -1]

    def test_both_is_reachable(self):
        """A port bound to loopback and to all addresses can be reached."""
        assert listening_ports([row("0100007F", 5000), row("0" * 32, 5000)]) == [5000]

    def test_dockers_name_server_is_not_the_apps(self):
        """The port of the name server Docker puts into containers is left out."""
        assert listening_ports([row("0B00007F", 40000)]) == []


class TestMemory:
    def test_version_1(self, tmp_path: Path):
        """In version 1 page cache is what is on the hierarchy's file lists."""
        (tmp_path / "memory.usage_in_bytes").write_text("1000\n")
        (tmp_path / "memory.stat").write_text(
            "cache 900\ntotal_inactive_file 300\ntotal_active_file 200\n"
        )

        assert used_bytes(tmp_path) == 500

    def test_version_2(self, tmp_path: Path):
        """In version 2 the names are shorter."""
        (tmp_path / "memory.current").write_text("1000\n")
        (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 300\nactive_file 200\n")

        assert used_bytes(tmp_path) == 500

    def test_no_group(self, tmp_path: Path):
        """A group that is not there has no memory, which is not zero."""
        assert used_bytes(tmp_path / "gone") is None
        assert cpu_seconds(tmp_path / "gone") is None


class TestProcessorTime:
    def test_version_1(self, tmp_path: Path):
        """In version 1 it is nanoseconds in a file of its own."""
        (tmp_path / "cpuacct.usage").write_text("2500000000\n")

        assert cpu_seconds(tmp_path) == 2.5

    def test_version_2(self, tmp_path: Path):
        """In version 2 it is microseconds among others."""
        (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")

        assert cpu_seconds(tmp_path) == 2.5


class TestTimes:
    def test_nanoseconds_are_kept(self):
        """A stamp is read and written exact to the nanosecond."""
        at_ns = nanoseconds("2026-11-20T19:19:05.945609123Z")

        assert at_ns == 1795202345945609123
        assert since(at_ns) == "1795202345.945609123"

    def test_short_fractions(self):
        """Docker cuts zeros at the end of a fraction."""
        assert nanoseconds("1970-01-01T00:00:01.5Z") == 1_500_000_000
        assert nanoseconds("1970-01-01T00:00:01Z") == 1_000_000_000

    def test_never(self):
        """The stamp that stands for never is no time."""
        assert nanoseconds_or_none("0001-01-01T00:00:00Z") is None
