"""Every command: where its code is, its section and its sentence in `kedge help`.

The help and completion are printed from this table alone, so that no command is imported but the
one asked for. `docs/cli.md` is tested against it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, the module and function that hold it, and one sentence."""

    name: str
    place: str
    summary: str
    section: str
    aliases: tuple[str, ...] = ()
    hidden: bool = False


def _section(section: str, *rows: tuple[str, str, str] | tuple[str, str, str, str]) -> list[Entry]:
    return [
        Entry(row[0], row[1], row[2], section, tuple(row[3].split()) if len(row) == 4 else ())
        for row in rows
    ]


ENTRIES: list[Entry] = [
    *_section(
        "This machine",
        ("up", "home:up", "start Kedge on this machine"),
        ("down", "home:down", "stop Kedge; dynos go on serving unless --stop-dynos"),
        ("uninstall", "home:uninstall", "remove Kedge and all its data from this machine"),
        ("status", "home:status", "show whether Kedge and each of its parts is up"),
        ("doctor", "home:doctor", "check what Kedge needs from this machine"),
        ("stack", "stacks:stack", "list stacks, or build this machine's stack images", "stacks"),
        ("stack:build", "stacks:build", "build the images that builds and dynos run in"),
        ("stack:set", "stacks:set_", "choose the stack of the next build"),
        ("keys:rotate", "keys:rotate", "seal every config var with a new encryption key"),
    ),
    *_section(
        "Account",
        ("login", "account:login", "sign in to a platform with a token", "auth:login"),
        ("logout", "account:logout", "forget the token of a platform", "auth:logout"),
        ("whoami", "account:whoami", "show who you are signed in as", "auth:whoami"),
        ("authorizations", "authorizations:list_", "list your tokens"),
        ("authorizations:create", "authorizations:create", "create a token"),
        ("authorizations:info", "authorizations:info", "show one of your tokens"),
        ("authorizations:update", "authorizations:update", "describe a token in other words"),
        ("authorizations:rotate", "authorizations:rotate", "put another token in a token's place"),
        (
            "authorizations:revoke",
            "authorizations:revoke",
            "make a token worthless",
            "authorizations:destroy",
        ),
        ("dashboard", "users:dashboard", "open the dashboard, signed in"),
        ("users", "users:list_", "list the users of the platform"),
        ("users:invite", "users:invite", "invite somebody to the platform"),
        ("users:suspend", "users:suspend", "keep a user out"),
        ("users:resume", "users:resume", "let a suspended user in again"),
        ("users:remove", "users:remove", "remove a user who made nothing"),
    ),
    *_section(
        "Apps",
        ("apps", "apps:list_", "list your apps", "apps:list list"),
        ("create", "apps:create", "create an app and its git remote", "apps:create"),
        ("apps:info", "apps:info", "show an app", "info"),
        ("apps:rename", "apps:rename", "rename an app", "rename"),
        ("apps:destroy", "apps:destroy", "destroy an app", "destroy apps:delete"),
        ("open", "apps:open_", "open an app in the browser", "apps:open"),
        ("git:remote", "git:remote", "add the git remote of an app to this checkout"),
    ),
    *_section(
        "Access",
        ("access", "access:list_", "list who has access to an app"),
        ("access:add", "access:add", "let somebody work on an app"),
        ("access:update", "access:update", "give a collaborator other permissions"),
        ("access:remove", "access:remove", "take somebody's access to an app away"),
        ("apps:transfer", "access:transfer", "offer an app to another owner"),
        ("apps:transfer:accept", "access:accept", "accept an app that was offered to you"),
        ("apps:transfer:cancel", "access:cancel", "take the offer of an app back"),
    ),
    *_section(
        "Config vars",
        ("config", "config:show_", "list the config vars of an app"),
        ("config:get", "config:get", "print the value of config vars"),
        ("config:set", "config:set_", "set config vars and restart", "config:add"),
        ("config:unset", "config:unset", "remove config vars and restart", "config:remove"),
        ("config:edit", "config:edit", "edit all config vars in your editor"),
    ),
    *_section(
        "Add-ons",
        ("addons", "addons:list_", "list the add-ons of an app, or of all apps", "addons:list"),
        ("addons:services", "addon_services:list_", "list the add-on services there are"),
        ("addons:plans", "addon_services:plans", "list the plans of an add-on service"),
        ("addons:docs", "addon_services:docs", "open the documentation of an add-on service"),
        ("addons:create", "addons:create", "create an add-on and attach it", "addons:add"),
        ("addons:info", "addons:info", "show an add-on"),
        ("addons:attach", "attachments:attach", "attach an add-on to an app, also to another"),
        ("addons:detach", "attachments:detach", "detach an add-on from an app"),
        ("addons:upgrade", "addons:upgrade", "move an add-on to another plan", "addons:downgrade"),
        ("addons:rename", "addons:rename", "rename an add-on"),
        ("addons:destroy", "addons:destroy", "destroy an add-on", "addons:remove"),
        ("addons:restore", "addons:restore", "list destroyed add-ons, or bring one back"),
        ("addons:wait", "addons:wait", "wait until add-ons are there"),
        ("addons:open", "addons:open_", "open an add-on in the browser, signed in"),
        ("addons:services:add", "addon_services:add", "offer the add-ons of a manifest"),
        ("addons:services:remove", "addon_services:remove", "offer a service's add-ons no longer"),
    ),
    *_section(
        "Databases",
        ("pg:info", "pg:info", "show a Postgres database", "pg"),
        ("pg:psql", "console:psql", "open psql on a Postgres database", "psql"),
        ("pg:credentials", "pg:credentials", "list the credentials of a Postgres database"),
        ("pg:credentials:rotate", "pg:rotate", "give a Postgres database another password"),
        ("pg:promote", "pg:promote", "make a Postgres database the app's DATABASE_URL"),
        ("pg:copy", "backups:copy", "replace what is in a database by what is in another"),
        ("pg:fork", "pg:fork", "create a database with what is in another"),
        ("pg:reset", "pg:reset", "empty a Postgres database"),
        ("pg:ps", "pg:ps", "list who is connected to a Postgres database"),
        ("pg:kill", "pg:kill", "cancel a query, or end a connection"),
        ("pg:killall", "pg:killall", "end all connections of a Postgres database"),
        ("pg:outliers", "pg:outliers", "list the slow queries of a Postgres database", "pg:slow"),
        ("pg:backups", "backups:list_", "list the backups of an app's databases"),
        ("pg:backups:capture", "backups:capture", "back a database up, proved by a restore"),
        ("pg:backups:info", "backups:info", "show a backup with its log"),
        ("pg:backups:restore", "backups:restore", "replace what is in a database by a backup"),
        ("pg:backups:download", "backups:download", "download a backup"),
        ("pg:backups:url", "backups:url", "print an address a backup can be downloaded from"),
        ("pg:backups:cancel", "backups:cancel", "end a backup, restore or copy that goes on"),
        ("pg:backups:delete", "backups:delete", "remove a backup for good"),
        ("pg:backups:schedule", "backups:schedule", "back a database up every day"),
        ("pg:backups:unschedule", "backups:unschedule", "make no more daily backups"),
        ("pg:backups:schedules", "backups:schedules", "list when databases are backed up"),
        ("redis:info", "redis:info", "show a Redis instance", "redis"),
        ("redis:cli", "console:redis_cli", "open redis-cli on a Redis instance"),
        (
            "redis:credentials:rotate",
            "redis:rotate",
            "give a Redis instance another password",
        ),
        ("redis:maxmemory", "redis:maxmemory", "choose what happens when the memory is full"),
        ("redis:timeout", "redis:timeout", "choose when idle connections are ended"),
    ),
    *_section(
        "Releases",
        ("releases", "releases:list_", "list the releases of an app"),
        ("releases:info", "releases:info", "show one release"),
        ("releases:diff", "releases:diff", "show what differs between two releases"),
        ("releases:output", "releases:output", "print what the release command printed"),
        ("releases:verify", "releases:verify", "check that no release was altered since"),
        ("rollback", "rollback:rollback", "go back to an earlier release", "releases:rollback"),
        ("why", "why:why", "say why an app, or a release, is not up"),
    ),
    *_section(
        "Builds",
        ("builds", "builds:list_", "list the builds of an app"),
        ("builds:create", "builds:create", "build and release a folder or a tarball"),
        ("builds:output", "builds:output", "print the output of a build"),
        ("builds:cancel", "builds:cancel", "cancel a build that runs"),
        ("buildpacks", "buildpacks:list_", "list the buildpacks of an app"),
        ("buildpacks:set", "buildpacks:set_", "set the buildpack of an app"),
        ("buildpacks:add", "buildpacks:add", "add a buildpack to an app"),
        ("buildpacks:remove", "buildpacks:remove", "remove a buildpack from an app"),
        ("buildpacks:clear", "buildpacks:clear", "remove every buildpack: detect again"),
    ),
    *_section(
        "Dynos",
        ("ps", "dynos:list_", "list the dynos of an app"),
        ("ps:scale", "scale:scale", "show or change how many dynos run", "scale"),
        ("ps:type", "scale:type_", "show or change the size of dynos", "ps:resize"),
        ("ps:restart", "dynos:restart", "restart dynos", "restart"),
        ("ps:stop", "dynos:stop", "stop dynos; a one-off dyno ends for good"),
        ("ps:wait", "dynos:wait", "wait until what runs is what is wanted"),
        ("run", "run:run", "run a command in a one-off dyno, attached to it"),
        ("run:detached", "run:detached", "run a command in a one-off dyno, output to the logs"),
        ("run:inside", "run:inside", "run a command inside a dyno that runs, attached to it"),
        ("logs", "logs:logs", "print or follow the logs of an app"),
    ),
    *_section(
        "Domains",
        ("maintenance", "maintenance:show_", "show whether maintenance mode is on"),
        ("maintenance:on", "maintenance:turn_on", "answer visitors with a maintenance page"),
        ("maintenance:off", "maintenance:turn_off", "let visitors reach the app again"),
        ("domains", "domains:list_", "list the domains of an app"),
        ("domains:add", "domains:add", "add a domain to an app"),
        ("domains:remove", "domains:remove", "remove a domain from an app"),
    ),
    *_section(
        "Help",
        ("help", "help:help_", "show the help of a command"),
        ("completion", "completion:completion", "print the completion script of a shell"),
        ("version", "help:version", "print the version"),
    ),
    Entry("git:credentials", "git:credentials", "answer git's question for a token", "", (), True),
]

BY_NAME: dict[str, Entry] = {
    name: entry for entry in ENTRIES for name in (entry.name, *entry.aliases)
}
