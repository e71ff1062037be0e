"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for without."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass

import pyotp
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kedge.errors import InvalidParams
from kedge.model.account import Account, RecoveryCode
from kedge.ops.authorize import Actor, record
from kedge.ops.services import Services

ISSUER = "Kedge"
STEP_SECONDS = 30
CODES = 10


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that is not in force yet: the secret, and what a QR code of it holds."""

    secret: str
    otpauth_uri: str


def begin(services: Services, actor: Actor) -> Enrolment:
    """A new secret for the actor's authenticator. In force only once `finish` had a code of it.

    Raises:
        InvalidParams: they have a second factor already.
    """
    secret = pyotp.random_base32()
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        if account.totp_confirmed_at:
            raise InvalidParams("Two-factor authentication is on. Turn it off first.")
        account.totp_sealed = services.vault.seal(secret.encode(), totp_context(account.id))
        account.totp_step = None
    uri = pyotp.TOTP(secret).provisioning_uri(name=actor.email, issuer_name=ISSUER)
    return Enrolment(secret, uri)


def finish(services: Services, actor: Actor, code: str) -> list[str]:
    """Put it in force with a first code; the recovery codes, which are shown only now.

    Raises:
        InvalidParams: the code is not of this moment, or nothing was begun.
    """
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        if account.totp_sealed is None or not _takes(services, account, code):
            raise InvalidParams("That code is not right. Check the clock of your device.")
        account.totp_confirmed_at = services.now()
        record(tx, actor, "account.two_factor", on=True)
        return _renew_codes(tx, account)


def disable(services: Services, actor: Actor) -> None:
    """Turn it off. The caller has had the person prove themselves (`sessions.confirm`)."""
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        account.totp_sealed = account.totp_confirmed_at = account.totp_step = None
        tx.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
        record(tx, actor, "account.two_factor", on=False)


def new_recovery_codes(services: Services, actor: Actor) -> list[str]:
    """Other recovery codes in place of those there are.

    Raises:
        InvalidParams: two-factor authentication is off.
    """
    with services.database.transaction() as tx:
        account = tx.get_one(Account, actor.account_id, with_for_update=True)
        if account.totp_confirmed_at is None:
            raise InvalidParams("Two-factor authentication is off.")
        record(tx, actor, "account.recovery_codes")
        return _renew_codes(tx, account)


def accepts(services: Services, tx: Session, account: Account, code: str) -> bool:
    """Whether a code of the authenticator, or a recovery code, is right. Each is taken once.

    The caller holds the account's row.
    """
    written = code.strip().replace(" ", "").lower()
    return _takes(services, account, written) or _spend(tx, account, written)


def totp_context(account_id: uuid.UUID) -> str:
    """What an account's secret is sealed for."""
    return f"second factor of {account_id}"


def _takes(services: Services, account: Account, code: str) -> bool:
    """Whether it is the code of this step or of one beside it, and none was taken since."""
    if account.totp_sealed is None:
        return False
    secret = services.vault.open(account.totp_sealed, totp_context(account.id)).decode()
    now = int(services.now().timestamp()) // STEP_SECONDS
    for step in (now - 1, now, now + 1):
        expected = pyotp.TOTP(secret).at(step * STEP_SECONDS)
        if secrets.compare_digest(expected.encode(), code.encode("utf-8", "replace")):
            if account.totp_step is not None and step <= account.totp_step:
                return False
            account.totp_step = step
            return True
    return False


def _spend(tx: Session, account: Account, code: str) -> bool:
    query = select(RecoveryCode).where(
        RecoveryCode.account_id == account.id, RecoveryCode.code_sha256 == _digest(code)
    )
    found = tx.scalars(query).first()
    if found is None:
        return False
    tx.delete(found)
    return True


def _renew_codes(tx: Session, account: Account) -> list[str]:
    tx.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(CODES)]
    tx.add_all(RecoveryCode(account_id=account.id, code_sha256=_digest(code)) for code in codes)
    return codes


def _digest(code: str) -> str:
    """64 random bits need no slow hash; people may leave the dash out."""
    plain = code.replace("-", "").encode("utf-8", "replace")
    return hashlib.sha256(plain).hexdigest()
