"""People: sign-ins, second factors, invitations, and who may do what to an app."""

from types import SimpleNamespace

import pyotp
import pytest
from sqlalchemy import select

from kedge.errors import (
    Conflict,
    Forbidden,
    InvalidParams,
    NotFound,
    SecondFactorNeeded,
    SignInRefused,
    TooManyAttempts,
    Unauthorized,
)
from kedge.model.account import Account
from kedge.model.event import Event
from kedge.model.session import Session
from kedge.ops import (
    accounts,
    collaborators,
    passwords,
    sessions,
    sign_in_links,
    two_factor,
    users,
)
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.sessions import Client

HERE = Client("192.0.2.7", "Browser/1.0")
PASSWORD = "four words are enough"


@pytest.fixture
def later(services):
    """Services at another moment: `later(minutes=5)`."""
    from dataclasses import replace
    from datetime import timedelta

    return lambda **span: replace(services, now=lambda: services.now() + timedelta(**span))


@pytest.fixture
def person(services, owner):
    """Makes a person with a password; their `actor`, `email` and `token` of the API."""

    def make(name="ada", *, is_owner=False):
        email = f"{name}@example.com"
        _, invitation = users.invite(services, owner.actor, email, is_owner=is_owner)
        session = users.accept(services, invitation, name.title(), PASSWORD, HERE)
        actor = sessions.resume(services, session).actor
        _, token = accounts.create_authorization(services, actor, "test", None)
        return SimpleNamespace(actor=actor, email=email, session=session, token=token)

    return make


def sign_in(services, email, password=PASSWORD, code=None, client=HERE):
    return sessions.sign_in(services, email, password, code, client)


def enrolled(services, person):
    """A second factor in force: its TOTP and the recovery codes."""
    totp = pyotp.TOTP(two_factor.begin(services, person.actor).secret)
    return totp, two_factor.finish(services, person.actor, totp.at(services.now()))


class TestSessions:
    def test_a_sign_in_makes_a_session(self, services, person):
        """The token stands for the person; every sign-in has another one."""
        ada = person()
        first, second = sign_in(services, ada.email), sign_in(services, " ADA@example.com ")

        assert first != second
        assert sessions.resume(services, first).actor.email == ada.email

    @pytest.mark.parametrize(
        ("email", "password"),
        [("ada@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("a\0b", "x"),
         ("ada@example.com", ""), ("ada@example.com", "x" * 100_000), ("\ud800", "\ud800")],
    )  # fmt: skip
    def test_what_is_wrong_is_not_told(self, services, person, email, password):
        """An unknown e-mail and a wrong password are refused in the same words."""
        person()
        with pytest.raises(SignInRefused) as refused:
            sign_in(services, email, password)

        assert refused.value.message == "That e-mail, password or code is not right."

    def test_the_owner_has_no_password_at_first(self, services, owner):
        """An account without a password cannot be signed in to with an empty one."""
        with pytest.raises(SignInRefused):
            sign_in(services, owner.actor.email, "")

    def test_a_session_ends(self, services, person):
        """After a sign-out its token is worthless."""
        ada = person()
        sessions.sign_out(services, ada.session)
        with pytest.raises(Unauthorized):
            sessions.resume(services, ada.session)

    def test_a_session_expires(self, later, person):
        """It ends when it was not used for two weeks, and after two months whatever was done."""
        ada = person()
        sessions.resume(later(days=13), ada.session)
        sessions.resume(later(days=26), ada.session)
        with pytest.raises(Unauthorized):
            sessions.resume(later(days=41), ada.session)
        for day in (39, 52, 59):
            sessions.resume(later(days=day), ada.session)
        with pytest.raises(Unauthorized):
            sessions.resume(later(days=61), ada.session)

    def test_only_digests_are_kept(self, services, person):
        """Neither a session's token nor a password can be read from the database."""
        ada = person()
        with services.database.transaction() as tx:
            row = tx.scalars(select(Session)).first()
            account = tx.get_one(Account, ada.actor.account_id)

        assert ada.session not in repr(vars(row))
        assert PASSWORD not in account.password
        assert account.password.startswith("$argon2id$")

    def test_sessions_are_ended_one_by_one(self, services, person):
        """One sees one's own sessions and ends any of them, and nobody else's."""
        ada, bob = person(), person("bob")
        other = sign_in(services, ada.email, client=Client("192.0.2.8", "Phone"))
        found = sessions.list_sessions(services, ada.actor)
        phone = next(each for each in found if each.user_agent == "Phone")
        with pytest.raises(NotFound):
            sessions.revoke_session(services, bob.actor, str(phone.id))
        sessions.revoke_session(services, ada.actor, str(phone.id))

        assert len(sessions.list_sessions(services, ada.actor)) == 1
        with pytest.raises(Unauthorized):
            sessions.resume(services, other)

    def test_the_dangerous_is_confirmed(self, services, later, person):
        """A fresh session needs no proof for ten minutes; after that a password gives ten more."""
        ada = person()
        after = later(minutes=11)

        assert sessions.resume(services, ada.session).recent_until
        signed_in = sessions.resume(after, ada.session)
        assert signed_in.recent_until is None
        with pytest.raises(SignInRefused):
            sessions.confirm(after, signed_in, "wrong")
        sessions.confirm(after, signed_in, PASSWORD)
        assert sessions.resume(after, ada.session).recent_until


class TestGuessing:
    def test_an_account_is_closed_to_guesses(self, services, later, person):
        """After ten failures even the right password waits; a quarter of an hour later it works."""
        ada = person()
        for number in range(10):
            with pytest.raises(SignInRefused):
                sign_in(services, ada.email, "wrong", client=Client(f"192.0.2.{number}", ""))
        with pytest.raises(TooManyAttempts) as refused:
            sign_in(services, ada.email)

        assert 0 < refused.value.retry_after_seconds <= 15 * 60 + 1
        assert sign_in(later(minutes=16), ada.email)

    def test_an_address_is_slowed_down(self, services, person):
        """Trying many accounts from one address is noticed too; others are not held up."""
        ada = person()
        for number in range(50):
            with pytest.raises(SignInRefused):
                sign_in(services, f"user{number}@example.com", "wrong")
        with pytest.raises(TooManyAttempts):
            sign_in(services, ada.email)

        assert sign_in(services, ada.email, client=Client("198.51.100.1", ""))

    def test_nobody_is_locked_out_for_good(self, services, person):
        """Whoever is locked out by somebody's guesses still signs in by a link."""
        ada = person()
        for _ in range(10):
            with pytest.raises(SignInRefused):
                sign_in(services, ada.email, "wrong")
        link = sign_in_links.create(services, ada.actor)

        assert sign_in_links.use(services, link, HERE)

    def test_codes_are_not_guessed_either(self, services, person):
        """Wrong codes count as failures of the account."""
        ada = person()
        enrolled(services, ada)
        for _ in range(10):
            with pytest.raises(SignInRefused):
                sign_in(services, ada.email, code="000000x")
        with pytest.raises(TooManyAttempts):
            sign_in(services, ada.email, code="000000x")


class TestSecondFactor:
    def test_a_code_is_asked_for(self, services, later, person):
        """With it in force the password alone does not do; a code of the moment does."""
        ada = person()
        totp, _ = enrolled(services, ada)
        after = later(seconds=60)
        with pytest.raises(SecondFactorNeeded):
            sign_in(services, ada.email)
        with pytest.raises(SignInRefused):
            sign_in(services, ada.email, "wrong", totp.at(after.now()))

        assert sign_in(after, ada.email, code=totp.at(after.now()))

    def test_a_code_is_taken_once(self, services, later, person):
        """Who looked over the shoulder cannot use the code again, nor an older one."""
        ada = person()
        totp, _ = enrolled(services, ada)
        after = later(seconds=60)
        code, older = totp.at(after.now()), totp.at(services.now())
        sign_in(after, ada.email, code=code)
        for each in (code, older):
            with pytest.raises(SignInRefused):
                sign_in(after, ada.email, code=each)

    def test_a_recovery_code_is_taken_once(self, services, person):
        """Each stands in for a code once, written with or without its dash."""
        ada = person()
        _, codes = enrolled(services, ada)

        assert len(set(codes)) == 10
        assert sign_in(services, ada.email, code=codes[0].replace("-", "").upper())
        with pytest.raises(SignInRefused):
            sign_in(services, ada.email, code=codes[0])

    def test_it_is_in_force_only_after_a_code(self, services, person):
        """Who begins and never finishes is not locked out."""
        ada = person()
        two_factor.begin(services, ada.actor)
        with pytest.raises(InvalidParams):
            two_factor.finish(services, ada.actor, "000000")

        assert sign_in(services, ada.email)

    def test_turning_it_off(self, services, person):
        """Afterwards the password alone does again, and recovery codes are worthless."""
        ada = person()
        _, codes = enrolled(services, ada)
        two_factor.disable(services, ada.actor)

        assert sign_in(services, ada.email)
        with pytest.raises(InvalidParams):
            two_factor.new_recovery_codes(services, ada.actor)
        assert codes

    def test_a_key_rotation_keeps_it(self, services, owner, later, person):
        """The secret is sealed again with a new key, and its codes go on working."""
        from kedge.ops import keys

        ada = person()
        totp, _ = enrolled(services, ada)
        assert keys.rotate(services, owner.actor).second_factors == 1
        after = later(seconds=60)

        assert sign_in(after, ada.email, code=totp.at(after.now()))


class TestPasswords:
    def test_a_new_password_ends_other_sessions(self, services, person):
        """Whoever else was signed in has to sign in again; the session at hand stays."""
        ada = person()
        other = sign_in(services, ada.email)
        actor = sessions.resume(services, ada.session).actor
        passwords.set_password(services, actor, "five words are even better", PASSWORD)

        assert sessions.resume(services, ada.session)
        with pytest.raises(Unauthorized):
            sessions.resume(services, other)
        with pytest.raises(SignInRefused):
            sign_in(services, ada.email)

    @pytest.mark.parametrize("bad", ["short", "x" * 2000, "with a nul \0 in it", "ada@example.com"])
    def test_bad_ones_are_refused(self, services, person, bad):
        """Too short, too long, a NUL, one's own address: refused with what to do."""
        with pytest.raises(InvalidParams):
            passwords.set_password(services, person().actor, bad, PASSWORD)

    def test_the_current_one_is_shown(self, services, person):
        """A session left open is not enough to take an account over."""
        with pytest.raises(SignInRefused):
            passwords.set_password(services, person().actor, "five words are even better", "guess")

    def test_the_owner_sets_a_first_one(self, services, owner):
        """Whoever came by a link and has no password sets one."""
        passwords.set_password(services, owner.actor, PASSWORD)

        assert sign_in(services, owner.actor.email)


class TestLinks:
    def test_a_link_is_good_once(self, services, later, owner):
        """It signs in, is spent by that, and is worthless after five minutes."""
        link, old = (sign_in_links.create(services, owner.actor) for _ in range(2))

        assert sessions.resume(services, sign_in_links.use(services, link, HERE))
        for each, moment in ((link, services), (old, later(minutes=6)), ("guess", services)):
            with pytest.raises(Unauthorized):
                sign_in_links.use(moment, each, HERE)

    def test_an_invitation_is_good_once(self, services, later, owner):
        """It makes one account within a week; invited again, the first link is worthless."""
        _, first = users.invite(services, owner.actor, "eve@example.com")
        _, second = users.invite(services, owner.actor, "Eve@example.com")
        for token, moment in ((first, services), (second, later(days=8))):
            with pytest.raises(Unauthorized):
                users.accept(moment, token, "Eve", PASSWORD, HERE)
        assert users.accept(services, second, "Eve", PASSWORD, HERE)
        with pytest.raises(Unauthorized):
            users.accept(services, second, "Eve", PASSWORD, HERE)


class TestUsers:
    def test_only_owners_see_and_change_people(self, services, person):
        """Everybody else is refused in words."""
        ada = person()
        for attempt in (
            lambda: users.list_users(services, ada.actor),
            lambda: users.invite(services, ada.actor, "x@example.com"),
            lambda: users.suspend(services, ada.actor, "owner@localhost"),
            lambda: users.make_owner(services, ada.actor, ada.email),
            lambda: users.remove(services, ada.actor, ada.email),
        ):
            with pytest.raises(Forbidden):
                attempt()

    def test_a_suspended_account_is_out_at_once(self, services, owner, person):
        """Sessions and tokens end, a sign-in and a link are refused, until it is let in again."""
        ada = person()
        link = sign_in_links.create(services, ada.actor)
        users.suspend(services, owner.actor, ada.email)
        for attempt in (
            lambda: sessions.resume(services, ada.session),
            lambda: accounts.authenticate(services, ada.token),
            lambda: sign_in(services, ada.email),
            lambda: sign_in_links.use(services, link, HERE),
        ):
            with pytest.raises(Unauthorized):
                attempt()
        users.suspend(services, owner.actor, ada.email, on=False)

        assert sign_in(services, ada.email)

    def test_nobody_removes_themselves(self, services, owner):
        """The last owner cannot lock everybody out."""
        with pytest.raises(InvalidParams):
            users.suspend(services, owner.actor, owner.actor.email)

    def test_who_owns_apps_stays(self, services, owner, person):
        """An account that owns apps is not removed from under them."""
        from kedge.ops import apps

        ada, bob = person(), person("bob")
        apps.create(services, ada.actor, "adas-app")
        with pytest.raises(Conflict, match="adas-app"):
            users.remove(services, owner.actor, ada.email)
        users.remove(services, owner.actor, bob.email)
        with pytest.raises(Unauthorized):
            accounts.authenticate(services, bob.token)


class TestCollaborators:
    @pytest.fixture
    def shop(self, services, person):
        """An app of Ada's."""
        from kedge.ops import apps

        ada = person()
        apps.create(services, ada.actor, "shop")
        return ada

    def test_a_stranger_does_not_see_it(self, services, shop, person):
        """To whom it is not shown it does not exist."""
        bob = person("bob")
        for action in Action:
            with pytest.raises(NotFound):
                self._find(services, bob.actor, action)

    @pytest.mark.parametrize("granted", list(Action))
    def test_each_permission_allows_itself_and_view(self, services, shop, person, granted):
        """A collaborator may do what was granted, see the app, and nothing else."""
        bob = person("bob")
        collaborators.add(services, shop.actor, "shop", bob.email, [granted])
        for action in Action:
            if action in (granted, Action.VIEW):
                assert self._find(services, bob.actor, action).name == "shop"
            else:
                with pytest.raises(Forbidden, match=shop.email):
                    self._find(services, bob.actor, action)

    def test_changes_hold_at_once(self, services, shop, person):
        """Permissions are changed and taken away, and so is what one may do."""
        bob = person("bob")
        collaborators.add(services, shop.actor, "shop", bob.email)
        collaborators.update(services, shop.actor, "shop", bob.email, ["view"])
        with pytest.raises(Forbidden):
            self._find(services, bob.actor, Action.DEPLOY)
        collaborators.remove(services, shop.actor, "shop", bob.email)
        with pytest.raises(NotFound):
            self._find(services, bob.actor, Action.VIEW)

    def test_one_may_leave(self, services, shop, person):
        """A collaborator gives up their own access, and nobody else's."""
        bob, eve = person("bob"), person("eve")
        for each in (bob, eve):
            collaborators.add(services, shop.actor, "shop", each.email, ["view"])
        with pytest.raises(Forbidden):
            collaborators.remove(services, bob.actor, "shop", eve.email)
        collaborators.remove(services, bob.actor, "shop", bob.email)

        _, left = collaborators.list_of_app(services, shop.actor, "shop")
        assert [each.account.email for each in left] == [eve.email]

    def test_bad_ones_are_refused(self, services, shop, person):
        """An unknown person or permission, the owner, a second time: refused in words."""
        bob = person("bob")
        collaborators.add(services, shop.actor, "shop", bob.email)
        for user, permissions, refusal in (
            ("nobody@example.com", None, NotFound),
            (bob.email, None, InvalidParams),
            (shop.email, None, InvalidParams),
            (bob.email, ["sudo"], InvalidParams),
        ):
            with pytest.raises(refusal):
                collaborators.add(services, shop.actor, "shop", user, permissions)

    def test_an_app_is_handed_over(self, services, shop, person):
        """The recipient accepts and owns it; who owned it goes on working on it."""
        bob, eve = person("bob"), person("eve")
        collaborators.add(services, shop.actor, "shop", bob.email, ["view"])
        made = collaborators.offer(services, shop.actor, "shop", bob.email)
        with pytest.raises(NotFound):
            collaborators.answer(services, eve.actor, str(made.id), "accepted")
        with pytest.raises(Forbidden):
            collaborators.answer(services, shop.actor, str(made.id), "accepted")
        collaborators.answer(services, bob.actor, str(made.id), "accepted")
        app, left = collaborators.list_of_app(services, bob.actor, "shop")

        assert app.owner.email == bob.email
        assert [each.account.email for each in left] == [shop.email]
        with pytest.raises(Forbidden):
            self._find(services, shop.actor, Action.MANAGE)

    def test_who_did_what_is_on_record(self, services, shop, person):
        """Access given and taken stands in the audit log, with names."""
        bob = person("bob")
        collaborators.add(services, shop.actor, "shop", bob.email, ["view"])
        with services.database.transaction() as tx:
            query = select(Event).where(Event.action == "collaborator.create")
            event = tx.scalars(query).one()

        assert (event.actor, event.details["email"]) == (shop.email, bob.email)

    def _find(self, services, actor: Actor, action: Action):
        with services.database.transaction() as tx:
            return find_app(tx, actor, "shop", action)
