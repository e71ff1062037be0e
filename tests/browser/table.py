"""Every address of the dashboard, and what one has to be allowed for it.

`test_roles.py` holds this against the addresses there are: whoever adds a page or a form says here
who may open or send it, and with that it is looked at, attacked and tried by everybody.
"""

from __future__ import annotations

from flask import Flask

from kedge.ops.authorize import Action

OF_APP = "/dashboard/apps/<app>"
OPEN, OF_ADDON = "/dashboard/addons/<addon>/open", "/dashboard/addons/<addon>"
PLATFORM = "/dashboard/platform"
ACCOUNT = "/dashboard/account"

PAGES_OF_APP = {
    "": Action.VIEW,
    "/resources": Action.VIEW,
    "/deploy": Action.VIEW,
    "/deploy/builds/<build>": Action.VIEW,
    "/activity": Action.VIEW,
    "/activity/<version>": Action.VIEW,
    "/activity/<version>/rollback": Action.DEPLOY,
    "/access": Action.VIEW,
    "/logs": Action.VIEW,
    "/metrics": Action.VIEW,
    "/settings": Action.VIEW,
    "/settings/delete": Action.MANAGE,
    "/settings/reveal/<key>": Action.VIEW,  # without a proof it leads back to the settings
    "/config/edit": Action.DEPLOY,
    "/resources/addons": Action.OPERATE,
    "/resources/addons/<service>": Action.OPERATE,
    "/attach": Action.OPERATE,
    "/addons/<addon>/plan": Action.OPERATE,
    "/addons/<addon>/destroy": Action.OPERATE,
    "/data/<database>": Action.VIEW,
    "/data/<database>/backups/<backup>/restore": Action.OPERATE,
}
# Forms are sent with what they hold, or nothing of use.
FORMS_OF_APP = {
    "/favourite": (Action.VIEW, {"on": "yes"}),
    "/formation": (Action.OPERATE, {"type": "web", "quantity.web": "3", "size.web": "Basic"}),
    "/restart": (Action.OPERATE, {}),
    "/stop": (Action.OPERATE, {"what": "web.1"}),
    "/deploy/builds/<build>/cancel": (Action.DEPLOY, {}),
    "/deploy/rebuild": (Action.DEPLOY, {"ref": "main"}),
    "/deploy/forget-cache": (Action.DEPLOY, {}),
    "/activity/<version>/rollback": (Action.DEPLOY, {}),
    "/config": (Action.DEPLOY, {"key": "A", "value": "1", "version": "1"}),
    "/config/remove": (Action.DEPLOY, {"key": "A", "version": "1"}),
    "/config/review": (Action.DEPLOY, {"text": "A=1", "version": "1"}),
    "/config/save": (Action.DEPLOY, {"text": "A=1", "version": "1"}),
    "/config/reveal": (Action.DEPLOY, {"key": "GREETING"}),
    "/settings/maintenance": (Action.OPERATE, {"on": "yes"}),
    "/settings/buildpacks": (Action.OPERATE, {"buildpack": "python"}),
    "/settings/domains": (Action.OPERATE, {"hostname": "HOST.example.com"}),
    "/settings/domains/remove": (Action.OPERATE, {"hostname": "none.example.com"}),
    "/settings/name": (Action.MANAGE, {"name": "NAME"}),
    "/settings/transfer": (Action.MANAGE, {"email": "none@example.com"}),
    "/settings/delete": (Action.MANAGE, {"confirm": "no"}),
    "/resources/addons/<service>": (Action.OPERATE, {"plan": "none"}),
    "/attach": (Action.OPERATE, {"addon": "none"}),
    "/detach": (Action.OPERATE, {"attachment": "DATABASE"}),
    "/addons/<addon>/plan": (Action.OPERATE, {"plan": "none"}),
    "/addons/<addon>/destroy": (Action.OPERATE, {"confirm": "no"}),
    "/addons/<addon>/restore": (Action.OPERATE, {}),
    "/data/<database>/backups": (Action.OPERATE, {}),
    "/data/<database>/backups/<backup>/cancel": (Action.OPERATE, {}),
    "/data/<database>/backups/<backup>/delete": (Action.OPERATE, {}),
    "/data/<database>/backups/<backup>/download": (Action.OPERATE, {}),
    "/data/<database>/backups/<backup>/restore": (Action.OPERATE, {"confirm": "no"}),
    "/data/<database>/schedule": (Action.OPERATE, {"hour": "2", "zone": "UTC"}),
    "/data/<database>/unschedule": (Action.OPERATE, {"schedule": "none"}),
    "/data/<database>/rotate": (Action.OPERATE, {}),
    "/data/<database>/settings": (Action.OPERATE, {"policy": "none", "timeout": "1"}),
    "/data/<database>/queries/reset": (Action.OPERATE, {}),
    "/access": (Action.MANAGE, {"email": "none@example.com"}),
    "/access/change": (Action.MANAGE, {"email": "none@example.com"}),
    "/access/remove": (Action.VIEW, {"email": "none@example.com"}),  # one's own is everybody's
}
PAGES = {OF_APP + page: action for page, action in PAGES_OF_APP.items()} | {
    OPEN: Action.OPERATE, OF_ADDON: Action.VIEW,
}  # fmt: skip
FORMS = {OF_APP + form: row for form, row in FORMS_OF_APP.items()}

# What is for owners of the installation alone.
PLATFORM_PAGES = ("", "/people", "/services", "/audit")
PLATFORM_FORMS = (
    "/look", "/people", "/people/owner", "/people/suspend", "/people/remove", "/people/withdraw",
    "/services", "/services/retire",
)  # fmt: skip

# What is for whoever is signed in, or has a link that says who they are.
OWN_PAGES = {"/", "/dashboard/new", ACCOUNT}
OWN_FORMS = {
    "/dashboard/new", "/dashboard/transfers/<transfer>", "/dashboard/sign-out",
    *(f"{ACCOUNT}{form}" for form in (
        "/confirm", "/password", "/two-factor", "/two-factor/finish", "/two-factor/off",
        "/two-factor/codes", "/sessions/end", "/tokens", "/tokens/revoke",
    )),
}  # fmt: skip
PUBLIC_PAGES = {
    "/dashboard/sign-in",
    "/dashboard/sign-in/<token>",
    "/dashboard/invitations/<token>",
}
PUBLIC_FORMS = {*PUBLIC_PAGES, "/dashboard/sign-in/code", "/dashboard/theme"}
# No pages of their own: ways to them, parts of them, and what there is not.
PUBLIC_REST = {
    "GET /dashboard", "GET /dashboard/", "GET /dashboard/static/<version>/<name>",
    "GET /sign-in/<token>",
}  # fmt: skip
REST = {
    "GET /dashboard/switch", "GET /dashboard/live", "GET /dashboard/<path:rest>",
    "POST /dashboard/<path:rest>",
}  # fmt: skip
FOR_EVERYBODY = PUBLIC_REST | {
    *(f"GET {page}" for page in PUBLIC_PAGES), *(f"POST {form}" for form in PUBLIC_FORMS),
}  # fmt: skip
FOR_THE_SIGNED_IN = REST | {
    *(f"GET {page}" for page in OWN_PAGES | PAGES.keys()),
    *(f"POST {form}" for form in OWN_FORMS | FORMS.keys()),
    *(f"GET {PLATFORM}{page}" for page in PLATFORM_PAGES),
    *(f"POST {PLATFORM}{form}" for form in PLATFORM_FORMS),
}  # fmt: skip


def addresses(services):
    """`GET /dashboard/apps/<app>` of every view of the dashboard."""
    from kedge.dashboard.blueprint import blueprint
    from kedge.engine.git import Repositories

    app = Flask("addresses")
    app.register_blueprint(blueprint(services, Repositories(services.settings.home / "repos", 1)))
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            if rule.endpoint != "static":
                yield f"{method} {rule.rule}"


def filled(address, **parts):
    """The address with what stands for its parts: `filled("/<app>", app="shop")`."""
    for part, value in parts.items():
        address = address.replace(f"<{part}>", str(value))
    return address
