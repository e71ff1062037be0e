"""What Kedge asks of the outside world, in words a cluster's engine would understand too.

Values go in, values come out; nothing here names Docker or HAProxy. Times are seconds, sizes MB
unless the name says otherwise. Every call may raise the `Unavailable` of its engine
(`RuntimeDown`, `RouterDown`) when that does not answer; callers try again later.
"""

from kedge.engine.protocols.builds import (
    Builder,
    BuildSpec,
    Built,
)
from kedge.engine.protocols.containers import (
    Attachment,
    Container,
    ContainerSpec,
    Execution,
    Happening,
    Kind,
    OutputLine,
    Runtime,
    Usage,
)
from kedge.engine.protocols.logs import (
    LogFilter,
    LogLine,
    LogSender,
    LogStore,
)
from kedge.engine.protocols.machine import (
    Certificate,
    Disk,
    Finding,
    Machine,
    Nowhere,
    PartSeen,
    Survey,
)
from kedge.engine.protocols.partner import (
    Partner,
    Provider,
    Provisioned,
)
from kedge.engine.protocols.router import (
    AccessLine,
    AccessLines,
    Route,
    Router,
    Server,
)
from kedge.engine.protocols.signals import (
    ANY_TOPIC,
    Queue,
    Wakes,
)
from kedge.engine.protocols.slugs import (
    Layer,
    SlugImage,
    SlugStore,
)

__all__ = [
    "ANY_TOPIC",
    "AccessLine",
    "AccessLines",
    "Attachment",
    "BuildSpec",
    "Builder",
    "Built",
    "Certificate",
    "Container",
    "ContainerSpec",
    "Disk",
    "Execution",
    "Finding",
    "Happening",
    "Kind",
    "Layer",
    "LogFilter",
    "LogLine",
    "LogSender",
    "LogStore",
    "Machine",
    "Nowhere",
    "OutputLine",
    "PartSeen",
    "Partner",
    "Provider",
    "Provisioned",
    "Queue",
    "Route",
    "Router",
    "Runtime",
    "Server",
    "SlugImage",
    "SlugStore",
    "Survey",
    "Usage",
    "Wakes",
]
