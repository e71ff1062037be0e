"""An installation with one of each thing there is, and people in every role, for tables of both."""

from __future__ import annotations

import functools
import itertools
import uuid

from api.conftest import Api, Deployer, tarball
from api.data_provider import DataProvider
from api.provider import PASSWORD, Provider
from kedge.engine.fakes.builder import FakeBuilder
from kedge.model.account import Account
from kedge.ops import accounts, addon_services, collaborators
from kedge.ops.authorize import Actor
from kedge.plan.scopes import Scope

COLLABORATORS = ("view", "deploy", "operate", "manage")
ROLES = ("nobody", "stranger", *COLLABORATORS, "owner", "recipient", "installation", "provider")


class World(dict):
    """`world["build"]` is the id of a build, and so on.

    What begins with `new_` is there untouched for each request: made again after one that `may`
    have used it up.

    `api[role]` is the API as that role has it; `of_scopes(scopes)` as the app's owner has it with a
    token of these scopes; `leaving` as the provider of the newest `new_provided` has it.
    """

    def __init__(self, application, services, token):
        super().__init__()
        self.services, self.numbers = services, itertools.count()
        self.may, self.fresh = True, {}
        self.api = {"installation": Api(application, token), "nobody": Api(application, "")}
        self.people = {}
        for role in ("stranger", *COLLABORATORS, "owner", "recipient"):
            self.people[role], self.api[role] = self._person(application, role)
        self.application = application
        self.of_scopes = functools.cache(self._of_scopes)
        self.jobs, self.data = Provider(), DataProvider()
        self._register()
        self._fill()

    def close(self):
        self.jobs.close()
        self.data.close()

    def __missing__(self, name):
        if not name.startswith("new_"):
            return getattr(self, name)()
        found = self.fresh.pop(name, None) or getattr(self, name)()
        if not self.may:
            self.fresh[name] = found
        return found

    def _person(self, application, role):
        with self.services.database.transaction() as tx:
            account = Account(email=f"{role}@example.com", name=role)
            tx.add(account)
            tx.flush()
            actor = Actor(account.id, account.email, is_owner=False)
        return actor, Api(application, self._token(actor, {Scope.GLOBAL}))

    def _token(self, actor, scopes):
        return accounts.create_authorization(self.services, actor, "test", None, scopes)[1]

    def _of_scopes(self, scopes):
        return Api(self.application, self._token(self.people["owner"], scopes))

    def _register(self):
        manifests = [self.jobs.manifest("jobs", capabilities=["run-dynos", "restore"])]
        self.jobs.answer = self._job
        for manifest in (*manifests, *self.data.manifests()):
            addon_services.register(self.services, None, manifest, is_builtin=True)

    def _job(self, method, path, body):
        if method == "POST" and path.endswith("resources"):
            return 201, {"id": body["uuid"], "config": {"JOBS_URL": f"jobs://{body['uuid']}"}}
        return 200, {}

    def _fill(self):
        own = self.api["owner"]
        self["app"] = own.post("/apps", {"name": "shop"})["name"]
        self._let_in("shop")
        deployer = Deployer(own, self.services, FakeBuilder(self.services.slugs))
        for _ in range(2):
            self["version"] = deployer.deploy("shop")["version"]
        builds, slugs = own.get("/apps/shop/builds"), own.get("/apps/shop/slugs")
        self["build"], self["slug"] = builds[0]["id"], slugs[0]["id"]
        self["archive"] = deployer.upload(tarball(Procfile="web: run\n"))
        self["dyno"] = deployer.dyno("shop", runtime_id="a-container")
        self["addon"] = self._addon("jobs")
        self.api["provider"] = self._provider()
        self["attachment"] = own.get("/apps/shop/addon-attachments")[0]["id"]
        self["database"], self["redis"] = (
            self._addon("heroku-postgresql"),
            self._addon("heroku-redis"),
        )
        self["domain"], self["transfer"] = self.new_domain(), self.new_transfer()
        self["collaborator"] = "view@example.com"
        self["inside"] = own.post("/apps/shop/dynos/web.1", {"command": "true", "attach": True})[
            "id"
        ]
        self["backup"] = self.new_backup()
        self["region"] = own.get("/regions")[0]["name"]

    def _let_in(self, app):
        for role in COLLABORATORS:
            email = f"{role}@example.com"
            collaborators.add(self.services, self.people["owner"], app, email, [role])

    def _addon(self, plan, app="shop"):
        made = self.api["owner"].post(f"/apps/{app}/addons", {"plan": plan})
        assert made["state"] == "provisioned"
        return made["id"]

    def _provider(self):
        """The API as the provider of the newest add-on has it."""
        asked = [body for method, _, body in self.jobs.asked if method == "POST"]
        form = {"grant_type": "authorization_code", "client_secret": PASSWORD,
                "code": asked[-1]["oauth_grant"]["code"]}  # fmt: skip
        return Api(
            self.application, self.api["owner"].post("/oauth/token", form, 200)["access_token"]
        )

    def _name(self):
        return f"thing-{next(self.numbers)}"

    # --- what a request may use up ---

    def new_backup(self):
        body, path = {}, f"/client/v11/databases/{self['database']}/backups"
        return self.api["owner"].post(path, body)["num"]

    def new_app(self):
        name = self.api["owner"].post("/apps", {"name": self._name()})["name"]
        self._let_in(name)
        return name

    def new_addon(self):
        return self._addon("jobs")

    def new_provided(self):
        made = self.new_addon()
        self.api["leaving"] = self._provider()
        return made

    def new_resting(self):
        made = self.new_addon()
        self.api["owner"].delete(f"/apps/shop/addons/{made}")
        return made

    def new_attachment(self):
        body = {"addon": self["addon"], "app": "shop", "name": self._name()}
        return self.api["owner"].post("/addon-attachments", body)["id"]

    def a_name(self):
        return self._name()

    def new_domain(self):
        body = {"hostname": f"{self._name()}.example.com", "sni_endpoint": None}
        return self.api["owner"].post("/apps/shop/domains", body)["hostname"]

    def new_user(self):
        email = f"{self._name()}@example.com"
        with self.services.database.transaction() as tx:
            tx.add(Account(email=email))
        return email

    def new_collaborator(self):
        email = self.new_user()
        collaborators.add(self.services, self.people["owner"], "shop", email, ["view"])
        return email

    def new_invitation(self):
        return self.api["installation"].post(
            "/kedge/invitations", {"email": f"{self._name()}@example.com"}
        )["email"]

    def new_service(self):
        name = self._name()
        manifest = self.jobs.manifest(name)
        manifest["api"] |= {"config_vars": [], "config_vars_prefix": "THING"}
        return self.api["installation"].post("/kedge/addon-services", manifest)["name"]

    def new_transfer(self):
        app = self.api["owner"].post("/apps", {"name": self._name()})["name"]
        body = {"app": app, "recipient": "recipient@example.com"}
        return self.api["owner"].post("/account/app-transfers", body)["id"]

    def a_token(self):
        """A token of whoever asks next: its id."""
        made = self.api[self["role"]].answer("POST", "/oauth/authorizations", {})
        return (made.json or {}).get("id") or str(uuid.uuid4())
