"""The plans of mail: how many letters are kept, and how large they may be."""

from __future__ import annotations

from kedge_addons.offer import Offer, Plan


def _plan(
    name: str, human_name: str, messages: int, message_mb: int, total_mb: int, connections: int,
    memory_mb: int, *, is_default: bool = False,
) -> Plan:  # fmt: skip
    return Plan(
        name=name,
        human_name=human_name,
        description=f"The newest {messages} letters, up to {message_mb} MB each",
        limits={
            "messages": messages,
            "message_mb": message_mb,
            "disk_mb": total_mb,
            "connections": connections,
            "memory_mb": memory_mb,
        },
        attributes={
            "Letters kept": f"the newest {messages}",
            "Size of a letter": f"up to {message_mb} MB",
            "All together": f"{total_mb} MB",
            "Connections": str(connections),
        },
        is_default=is_default,
    )


OFFER = Offer(
    name="mail",
    human_name="Mail inbox",
    description="What the app sends is kept and shown here, and goes nowhere else. For staging.",
    icon="envelope-open",
    config_vars=["MAIL_HOST", "MAIL_PORT", "MAIL_USERNAME", "MAIL_PASSWORD", "MAIL_URL"],
    prefix="MAIL",
    primary="MAIL",
    capabilities=("restore", "credentials"),
    plans=[
        _plan("test", "Test", 100, 5, 50, 10, 192, is_default=True),
        _plan("team", "Team", 2000, 25, 1024, 20, 768),
    ],
    hooks="kedge_addons.mail.service:Mail",
)
