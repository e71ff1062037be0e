"""What can go wrong at a provider, each with the status it is answered with.

ProviderError
├── Refused    422: no, in words for whoever asked
├── Unknown    404: there never was such a resource
├── Gone       410: there was one
├── Busy       409: somebody is changing it now
└── Away       503: the engine, the platform or a server does not answer; trying again may help
"""

from __future__ import annotations


class ProviderError(Exception):
    """One of the above; `message` is for whoever asked."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(ProviderError):
    """It will not be done."""

    status = 422


class Unknown(ProviderError):
    """No such resource."""

    status = 404


class Gone(ProviderError):
    """It was removed."""

    status = 410


class Busy(ProviderError):
    """It is being changed."""

    status = 409


class Away(ProviderError):
    """What is needed for it does not answer now."""

    status = 503
