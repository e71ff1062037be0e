"""The firewall as text, and the range a network gets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from kedge.engine.docker.addresses import free_ranges, host_ranges
from kedge.engine.docker.firewall import name_servers
from kedge.engine.docker.network import bridge_of
from kedge.engine.docker.rules import (
    Fence,
    Opening,
    missing,
    opening_rules,
    removal_text,
    restore_text,
)

FENCE = Fence(installation="0123456789ab", bridge="kdg-012345", router_ports=(8080, 8443))
DOCKER = ["-P INPUT ACCEPT", "-P FORWARD DROP", "-N DOCKER-USER", "-A DOCKER-USER -j RETURN"]
IN_JUMP = "-A INPUT -i kdg-012345 -j KEDGE-0123456789ab-IN"
USER_JUMP = "-A DOCKER-USER -i kdg-012345 -j KEDGE-0123456789ab-FWD"


def in_force(fence: Fence) -> list[str]:
    """What `iptables -S` would list with the fence in force."""
    chains = fence.chains()
    return [
        *DOCKER[:3],
        *(f"-N {chain}" for chain in [*chains, fence.openings_chain]),
        IN_JUMP,
        USER_JUMP,
        DOCKER[3],
        *(f"-A {chain} {rule}" for chain, rules in chains.items() for rule in rules),
    ]


class TestFence:
    def test_nothing_is_missing_when_in_force(self):
        """A fence in force needs nothing."""
        assert missing(FENCE, in_force(FENCE)) == []

    def test_all_is_missing_at_first(self):
        """On a fresh host chains and jumps are missing."""
        assert len(missing(FENCE, DOCKER)) == 5

    def test_a_lost_rule_is_noticed(self):
        """One rule less in a chain is noticed."""
        listed = in_force(FENCE)
        listed.remove("-A KEDGE-0123456789ab-FWD -d 169.254.0.0/16 -j REJECT")

        assert missing(FENCE, listed) == ["chain KEDGE-0123456789ab-FWD is missing or was changed"]

    def test_other_settings_are_noticed(self):
        """A change of the router's ports makes both chains stale."""
        changed = replace(FENCE, router_ports=(80, 443))

        assert len(missing(changed, in_force(FENCE))) == 2

    def test_a_rule_before_ours_is_noticed(self):
        """A foreign rule before the jump might let traffic pass; another installation's may not."""
        listed = in_force(FENCE)
        other_home = [IN_JUMP.replace("0123456789ab", "ba9876543210"), *listed]

        assert missing(FENCE, ["-A INPUT -j ACCEPT", *listed]) == [
            "the jump from INPUT is not first"
        ]
        assert missing(FENCE, other_home) == []

    def test_without_dockers_chain(self):
        """On an engine that leaves iptables alone the jump is in FORWARD itself."""
        assert "-I FORWARD 1 -i kdg-012345" in restore_text(FENCE, ["-P FORWARD ACCEPT"])

    def test_restoring_replaces_jumps(self):
        """Jumps that are there already are taken out, not doubled."""
        text = restore_text(FENCE, [*DOCKER, IN_JUMP, IN_JUMP])

        assert text.count("-D INPUT") == 2
        assert text.count("-I INPUT 1") == 1

    def test_removal_of_nothing(self):
        """Removing a fence that is not there changes nothing."""
        assert removal_text(FENCE, DOCKER) == "*filter\nCOMMIT\n"

    def test_name_servers_on_port_53_alone(self):
        """A name server of the host is reachable on its port, before what refuses the rest."""
        fence = replace(FENCE, name_servers=(IPv4Address("169.254.169.253"),))
        rules = fence.chains()[fence.forward_chain]

        allowed = rules.index("-d 169.254.169.253 -p udp --dport 53 -j RETURN")
        assert allowed < rules.index("-d 169.254.0.0/16 -j REJECT")

    def test_an_opening_is_for_one_dyno(self):
        """An opening leads one dyno, by its hardware address, to one port of one address."""
        opening = Opening("02:aa:bb:cc:dd:ee", IPv4Address("10.210.0.9"), 5432)

        mac = "-m mac --mac-source 02:aa:bb:cc:dd:ee"
        assert opening_rules([opening])[1:] == [
            f"-d 10.210.0.9/32 -p tcp {mac} -m tcp --dport 5432 -j ACCEPT"
        ]

    def test_openings_come_before_what_is_refused(self):
        """The way to an add-on is looked at before other members of the bridge are refused."""
        rules = FENCE.chains()[FENCE.forward_chain]

        opened = rules.index(f"-j {FENCE.openings_chain}")
        assert opened < rules.index(f"-o {FENCE.bridge} -j REJECT")

    def test_restoring_keeps_openings(self):
        """Putting the fence back leaves the openings as they are; only a missing chain is made."""
        chain = FENCE.openings_chain

        assert f":{chain}" in restore_text(FENCE, DOCKER)
        assert f":{chain}" not in restore_text(FENCE, [*DOCKER, f"-N {chain}"])

    def test_names_fit_the_kernel(self):
        """Chain names have at most 28 characters, interface names 15."""
        assert len(FENCE.forward_chain) <= 28
        assert len(bridge_of(FENCE.installation)) <= 15


class TestRanges:
    def test_the_first_free(self):
        """The first /20 of the pool that overlaps nothing is chosen."""
        taken = [IPv4Network("10.210.0.0/20"), IPv4Network("10.210.31.0/24")]

        assert next(free_ranges("10.210.0.0/16", taken)) == IPv4Network("10.210.32.0/20")

    def test_the_next_pool(self):
        """A pool that is taken as a whole is passed over, wherever the taken range begins."""
        found = free_ranges("10.210.0.0/16, 172.30.0.0/16", [IPv4Network("10.0.0.0/8")])

        assert next(found) == IPv4Network("172.30.0.0/20")

    def test_none(self):
        """Nothing free gives nothing."""
        assert list(free_ranges("10.210.0.0/24", [IPv4Network("10.210.0.128/25")])) == []

    def test_routes_of_the_host(self):
        """The kernel's route table is read without its default route."""
        table = (
            "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
            "eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0\n"
            "eth0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
            "tun0 0000D20A 00000000 0001 0 0 0 0000FFFF 0 0 0\n"
        )

        assert host_ranges(table) == [
            IPv4Network("192.168.0.0/24"),
            IPv4Network("10.210.0.0/16"),
        ]


def test_name_servers_of_resolv_conf():
    """IPv4 name servers that are not on loopback are taken from resolv.conf, each once."""
    conf = (
        "# c\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver fe80::1\nnameserver 10.0.0.2"
    )

    assert name_servers(conf) == (IPv4Address("10.0.0.2"),)
