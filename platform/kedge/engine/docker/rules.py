"""The firewall of a dyno network as iptables rules: pure text, no commands run.

From a dyno reachable: the outside network, the router's ports and the add-ons it was let to. Not
reachable: any other port of the host on any of its addresses, ports other containers publish,
other dynos and add-ons, link-local addresses (cloud metadata). Name servers of the host stay
reachable on port 53 alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

LINK_LOCAL = "169.254.0.0/16"
ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED"
DOCKER_CHAIN = "DOCKER-USER"


@dataclass(frozen=True, slots=True)
class Opening:
    """A way from one dyno to one TCP port of an add-on's container.

    The dyno is known by its interface's hardware address: it has that before it starts, and without
    capabilities no process inside can show another one.
    """

    mac: str
    address: IPv4Address
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """All that the rules of one installation follow from."""

    installation: str
    bridge: str
    router_ports: tuple[int, ...]
    name_servers: tuple[IPv4Address, ...] = ()

    @property
    def input_chain(self) -> str:
        """Our chain for traffic from dynos to the host."""
        return f"KEDGE-{self.installation}-IN"

    @property
    def forward_chain(self) -> str:
        """Our chain for traffic from dynos through the host."""
        return f"KEDGE-{self.installation}-FWD"

    @property
    def openings_chain(self) -> str:
        """Our chain of openings: apart, because one process opens ways and all keep the fence."""
        return f"KEDGE-{self.installation}-OPEN"

    def jumps(self, listed: Sequence[str]) -> dict[str, str]:
        """Built-in or Docker chain → the jump that belongs at its top.

        Docker keeps what is in DOCKER-USER when it restarts; without that chain (an engine that
        leaves iptables alone) FORWARD is the place.
        """
        forward = DOCKER_CHAIN if f"-N {DOCKER_CHAIN}" in listed else "FORWARD"
        return {
            "INPUT": f"-i {self.bridge} -j {self.input_chain}",
            forward: f"-i {self.bridge} -j {self.forward_chain}",
        }

    def chains(self) -> dict[str, list[str]]:
        """Our chains and their rules, each headed by a comment that names the whole content."""
        plain = {self.input_chain: self._input(), self.forward_chain: self._forward()}
        mark = _mark(plain)
        return {chain: [mark, *rules] for chain, rules in plain.items()}

    def _input(self) -> list[str]:
        ports = ",".join(str(port) for port in self.router_ports)
        return [
            f"{ESTABLISHED} -j ACCEPT",
            f"-p tcp -m multiport --dports {ports} -j ACCEPT",
            *self._name_server_rules("ACCEPT"),
            *_refused(""),
        ]

    def _forward(self) -> list[str]:
        return [
            f"{ESTABLISHED} -j RETURN",
            *self._name_server_rules("RETURN"),
            f"-j {self.openings_chain}",
            *_refused(f"-d {LINK_LOCAL} "),
            *_refused(f"-o {self.bridge} "),
            # A port some container publishes on an address of the host.
            *_refused("-m conntrack --ctstate DNAT "),
            "-j RETURN",
        ]

    def _name_server_rules(self, verdict: str) -> Iterator[str]:
        for address in self.name_servers:
            for protocol in ("udp", "tcp"):
                yield f"-d {address} -p {protocol} --dport 53 -j {verdict}"


def opening_rules(openings: Sequence[Opening]) -> list[str]:
    """The rules of the chain of openings, headed like the others."""
    rules = [
        f"-d {each.address}/32 -p tcp -m mac --mac-source {each.mac} "
        f"-m tcp --dport {each.port} -j ACCEPT"
        for each in openings
    ]
    return [_mark(rules), *rules]


def _mark(content: object) -> str:
    return f"-m comment --comment kedge-{hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"


def _refused(match: str) -> tuple[str, str]:
    """Refuse at once, TCP by a reset: the kernel limits how many ICMP answers it sends."""
    return f"{match}-p tcp -j REJECT --reject-with tcp-reset", f"{match}-j REJECT"


def missing(fence: Fence, listed: Sequence[str]) -> list[str]:
    """What of the fence is not in force, in words; `listed` are the lines of `iptables -S`."""
    found: list[str] = []
    if f"-N {fence.openings_chain}" not in listed:
        found.append(f"chain {fence.openings_chain} is missing")
    for chain, rules in fence.chains().items():
        if not in_force(chain, rules, listed):
            found.append(f"chain {chain} is missing or was changed")
    for chain, jump in fence.jumps(listed).items():
        before = _before(listed, chain, jump)
        if before is None or any("-j KEDGE-" not in line for line in before):
            found.append(f"the jump from {chain} is not first")
    return found


def in_force(chain: str, rules: Sequence[str], listed: Sequence[str]) -> bool:
    """Whether a chain has these rules, by their number and the mark at their head."""
    have = [line for line in listed if line.startswith(f"-A {chain} ")]
    return len(have) == len(rules) and rules[0] in have[0]


def _before(listed: Iterable[str], chain: str, jump: str) -> list[str] | None:
    """The rules of a chain before a jump; None when it is not in the chain."""
    before: list[str] = []
    for line in listed:
        if line == f"-A {chain} {jump}":
            return before
        if line.startswith(f"-A {chain} "):
            before.append(line)
    return None


def restore_text(fence: Fence, listed: Sequence[str]) -> str:
    """The input of `iptables-restore --noflush` that puts the fence in force in one step."""
    chains = fence.chains()
    jumps = fence.jumps(listed)
    # Naming a chain empties it: the openings are not ours to empty.
    openings = [] if f"-N {fence.openings_chain}" in listed else [fence.openings_chain]
    return "\n".join(
        [
            "*filter",
            *(f":{chain} - [0:0]" for chain in [*openings, *chains]),
            *(f"-A {chain} {rule}" for chain, rules in chains.items() for rule in rules),
            *_drop_jumps(fence, listed),
            *(f"-I {chain} 1 {jump}" for chain, jump in jumps.items()),
            "COMMIT\n",
        ]
    )


def openings_text(fence: Fence, openings: Sequence[Opening]) -> str:
    """The same, to make these the openings there are."""
    chain = fence.openings_chain
    rules = (f"-A {chain} {rule}" for rule in opening_rules(openings))
    return "\n".join(["*filter", f":{chain} - [0:0]", *rules, "COMMIT\n"])


def removal_text(fence: Fence, listed: Sequence[str]) -> str:
    """The same, to take the fence away."""
    chains = [*fence.chains(), fence.openings_chain]
    present = [chain for chain in chains if f"-N {chain}" in listed]
    return "\n".join(
        [
            "*filter",
            *_drop_jumps(fence, listed),
            *(f"-F {chain}" for chain in present),
            *(f"-X {chain}" for chain in present),
            "COMMIT\n",
        ]
    )


def _drop_jumps(fence: Fence, listed: Sequence[str]) -> list[str]:
    ends = (f" -j {fence.input_chain}", f" -j {fence.forward_chain}")
    return [line.replace("-A ", "-D ", 1) for line in listed if line.endswith(ends)]
