"""The container of an inbox: the programs of `inside/`, and the plan's limits."""

from __future__ import annotations

from importlib import resources as packaged

from kedge_addons import boot
from kedge_addons.instance import DATA, Instance
from kedge_addons.offer import Plan
from kedge_addons.resource import Resource

PORT = 2525
PACKAGE = "kedge_addons/mail/inside"
PROGRAMS = ("__init__.py", "asked.py", "credentials.py", "letters.py", "reading.py", "server.py")
FOLDER = f"{DATA}/programs"  # what is below it is written anew at each start


def instance(resource: Resource, plan: Plan) -> Instance:
    """The server of a resource on a plan."""
    here = packaged.files("kedge_addons.mail")
    programs = {
        f"programs/{PACKAGE}/{name}": (here / "inside" / name).read_bytes() for name in PROGRAMS
    }
    return Instance(
        resource_id=resource.id,
        service=resource.service,
        alias=resource.name,
        command=boot.command("kedge_addons.mail"),
        ports=[PORT],
        memory_mb=plan.limits["memory_mb"],
        environment={
            "NAME": resource.name[:64],
            "PYTHONPATH": FOLDER,
            "PYTHONDONTWRITEBYTECODE": "1",
            "MAIL_FOLDER": DATA,
            "MAIL_PORT": str(PORT),
            "MAIL_MESSAGES": str(plan.limits["messages"]),
            "MAIL_MESSAGE_BYTES": str(plan.limits["message_mb"] * 2**20),
            "MAIL_TOTAL_BYTES": str(plan.limits["disk_mb"] * 2**20),
            "MAIL_CONNECTIONS": str(plan.limits["connections"]),
        },
        files=programs,
    )
