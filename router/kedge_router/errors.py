"""What the router refuses, each with an id, an HTTP status and words that say what to do next.

RouterError
├── Invalid            422  the request is malformed
├── NotFound           404  no such app, server or certificate
├── Conflict           409  another app or an earlier server is in the way
│   └── Stale          409  a newer version is in force
├── Unavailable        503  HAProxy did not take the change in time
└── SettingsError           the environment is wrong; only at start
"""

from typing import Any


class RouterError(Exception):
    """A refusal; `status` is HTTP's, `id` is for programs, the text is for people."""

    status = 500
    id = "router_error"

    def body(self) -> dict[str, Any]:
        """The refusal as the agent's API answers it."""
        return {"id": self.id, "message": str(self)}


class Invalid(RouterError):
    """The request is malformed; it will be refused again until it is changed."""

    status = 422
    id = "invalid_params"


class NotFound(RouterError):
    """There is no such app, server or certificate."""

    status = 404
    id = "not_found"


class Conflict(RouterError):
    """Another app holds the host, or a server name stands for another address."""

    status = 409
    id = "conflict"


class Stale(Conflict):
    """The version offered is not newer than the one in force."""

    id = "stale"

    def __init__(self, app_id: str, offered: int, current: int) -> None:
        super().__init__(
            f"Version {offered} of app {app_id} is stale: version {current} is in force. "
            "Read the app's routes again and send a higher version."
        )
        self.current = current

    def body(self) -> dict[str, Any]:
        """The refusal, with the version in force."""
        return {**super().body(), "version": self.current}


class Unavailable(RouterError):
    """HAProxy did not take the change in time.

    The change may or may not be in force, now or later: send it again with the same version.
    """

    status = 503
    id = "unavailable"


class SettingsError(RouterError):
    """The environment is wrong."""

    id = "settings"
