"""Every error Kedge shows a person, as one tree.

    KedgeError                      id, HTTP status, a message that says what to do next
    ├── BadRequest          400     the request itself cannot be read
    ├── Unauthorized        401     no or unknown credentials
    │   ├── SignInRefused           an unknown e-mail or a wrong password or code
    │   └── SecondFactorNeeded      the password is right, a code is still asked for
    ├── Forbidden           403     known, but not allowed
    │   └── CodeNeeded              the password is right, a code is to be sent along
    ├── NotFound            404     no such app, release, dyno, …
    ├── Conflict            409     somebody else is at it
    │   └── AppBeingDeleted
    ├── TooLarge            413     more bytes than are taken
    ├── RangeUnsatisfiable  416     a Range header that cannot be followed
    ├── InvalidParams       422     understood, but refused by a rule
    │   ├── VerificationFailed      a checksum or digest that does not match
    │   └── NotEligible             a release that cannot be rolled back to
    ├── TooManyAttempts     429     guessing is slowed down; says when to try again
    ├── Unconfirmed         423     needs to be confirmed by the name of what it is done to
    ├── ProviderRefused     422     an add-on's provider says no
    ├── Unavailable         503     a part Kedge needs does not answer
    │   ├── ProviderAway            an add-on's provider does not answer, or not understandably
    │   ├── DatabaseDown
    │   ├── QueueDown
    │   ├── RuntimeDown
    │   └── RouterDown
    ├── EngineRefused       500     the container engine answers, and will not do it
    ├── BuildRefused                a push or build that cannot go on (shown on the pusher's screen)
    │   ├── BuildFailed
    │   ├── BuildCancelled
    │   ├── BuildOutOfMemory
    │   ├── BuildOutOfTime
    │   └── SlugTooLarge
    └── StartRefused                `kedge up` cannot start; carries the remedy

The ids and statuses are those of Heroku's Platform API (https://devcenter.heroku.com/articles/platform-api-reference#errors).
They are raised where the rule is and translated once, in `api/errors.py`.
"""

from __future__ import annotations

from typing import ClassVar


class KedgeError(Exception):
    """An error with Heroku's id, an HTTP status and words that tell a person what to do next."""

    id: ClassVar[str] = "internal_server_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, resource: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.resource = resource

    def body(self) -> dict[str, str]:
        """The JSON body of the answer: `id`, `message`, and `resource` where one is named."""
        body = {"id": self.id, "message": self.message}
        if self.resource:
            body["resource"] = self.resource
        return body


class BadRequest(KedgeError):
    """The request itself cannot be read."""

    id = "bad_request"
    status = 400


class Unauthorized(KedgeError):
    """No credentials, or unknown ones."""

    id = "unauthorized"
    status = 401

    def __init__(self, message: str = "Invalid credentials provided.") -> None:
        super().__init__(message)


class SignInRefused(Unauthorized):
    """An unknown e-mail, a wrong password or a wrong code: which of them is not told."""

    def __init__(self, message: str = "That e-mail, password or code is not right.") -> None:
        super().__init__(message)


class SecondFactorNeeded(Unauthorized):
    """The password is right; a code of the second factor is still asked for."""

    id = "two_factor"

    def __init__(self) -> None:
        super().__init__("Enter the code of your authenticator, or a recovery code.")


class Forbidden(KedgeError):
    """Known, but not allowed."""

    id = "forbidden"
    status = 403


class CodeNeeded(Forbidden):
    """A request with a password, of an account with a second factor, as Heroku's API says it."""

    id = "two_factor"

    def __init__(self) -> None:
        super().__init__("A second factor is needed: send its code in Heroku-Two-Factor-Code.")


class NotFound(KedgeError):
    """Nothing of that name or id, or nothing this person may see."""

    id = "not_found"
    status = 404

    @classmethod
    def of(cls, resource: str, words: str | None = None) -> NotFound:
        """In Heroku's words: `Couldn't find that app.`; resource is `app`, `release`, …"""
        return cls(words or f"Couldn't find that {resource.replace('_', ' ')}.", resource=resource)


class Conflict(KedgeError):
    """Somebody else is changing the same thing."""

    id = "conflict"
    status = 409


class AppBeingDeleted(Conflict):
    """The app is on its way out."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is being destroyed. Create it again when that is done.", resource="app"
        )


class TooLarge(KedgeError):
    """More bytes than are taken."""

    id = "request_entity_too_large"
    status = 413


class RangeUnsatisfiable(KedgeError):
    """A Range header that cannot be followed."""

    id = "range_unsatisfiable"
    status = 416


class InvalidParams(KedgeError):
    """Understood, but refused by a rule."""

    id = "invalid_params"
    status = 422


class VerificationFailed(InvalidParams):
    """A checksum or digest that does not match what was sent."""


class NotEligible(InvalidParams):
    """A release that cannot be rolled back to."""


class TooManyAttempts(KedgeError):
    """Too many attempts that failed; `retry_after_seconds` says when the next may be made."""

    id = "rate_limit"
    status = 429

    def __init__(self, retry_after_seconds: int) -> None:
        minutes = max(1, -(-retry_after_seconds // 60))
        super().__init__(
            f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}, or "
            "sign in by a link: run `kedge dashboard` where your token is."
        )
        self.retry_after_seconds = retry_after_seconds


class Unconfirmed(KedgeError):
    """Something that is not undone: asked again with `confirm` it is done."""

    id = "confirmation_required"
    status = 423


class ProviderRefused(KedgeError):
    """An add-on's provider said no, in its own words."""

    id = "provision_failed"
    status = 422

    def __init__(self, provider: str, words: str | None) -> None:
        super().__init__(f"{provider} refused: {words or 'it gave no reason.'}")
        self.words = words


class Unavailable(KedgeError):
    """A part of the platform does not answer; trying again later may work."""

    id = "service_unavailable"
    status = 503


class ProviderAway(Unavailable):
    """An add-on's provider does not answer, or nothing one can understand."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"The provider of {provider} is of no use now: {reason}. Try again later.")
        self.reason = reason


class DatabaseDown(Unavailable):
    """PostgreSQL does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "Kedge's database does not answer. Apps go on serving. "
            "Try again in a moment; `kedge status` on the server shows what is down."
        )


class QueueDown(Unavailable):
    """Redis does not answer."""


class RuntimeDown(Unavailable):
    """The container engine does not answer."""


class RouterDown(Unavailable):
    """The router's agent does not answer."""


class EngineRefused(KedgeError):
    """The container engine answers, and will not make or start this container.

    No part is away: asking again for the same brings the same answer.
    """


class BuildRefused(KedgeError):
    """A push or build that cannot go on; the message is shown on the pusher's screen."""

    id = "build_failed"
    status = 422


class BuildFailed(BuildRefused):
    """A buildpack, or the source itself, said no."""


class BuildCancelled(BuildRefused):
    """Somebody cancelled the build, or the pusher went away."""


class BuildOutOfMemory(BuildRefused):
    """The build needed more memory than a build may use."""


class BuildOutOfTime(BuildRefused):
    """The build took longer than a build may take."""


class SlugTooLarge(BuildRefused):
    """The slug is over the limit; the message names the largest folders."""


class StartRefused(KedgeError):
    """`kedge up` cannot start a part. `remedy` says what to type or change."""

    id = "start_refused"

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}\n{remedy}")
        self.reason = reason
        self.remedy = remedy
