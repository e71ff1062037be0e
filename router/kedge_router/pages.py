"""The pages a visitor gets when the router answers in an app's place.

HAProxy fills in the app's name and the request's id as it sends them, so a page is its log format.
"""

from dataclasses import dataclass
from importlib.resources import files
from string import Template

APP = "%[var(txn.name)]"
REQUEST_ID = "%[var(txn.rid)]"
LOOK = f"kedge logs --tail -a {APP}\nkedge why -a {APP}"


@dataclass(frozen=True, slots=True)
class Page:
    """What one page says: its code, and what the visitor and the app's owner can do."""

    code: str
    title: str
    visitor: str
    owner: str
    commands: str = LOOK


LATER = "An error occurred in the application and your page could not be served. Try again shortly."
FIND = "If you run this app, its log has the line of this request, and why says what it means:"

PAGES = {
    "H10": Page(
        "H10 &middot; App crashed",
        "Application error",
        LATER,
        "If you run this app: its web dynos have crashed. The log and the cause:",
    ),
    "H14": Page(
        "H14 &middot; No web processes running",
        "Application error",
        "This app is switched off at the moment. Try again later.",
        "If you run this app: no web dyno is running. Start one, or see why there is none:",
        f"kedge ps:scale web=1 -a {APP}\nkedge why -a {APP}",
    ),
    "H20": Page(
        "H20 &middot; App boot timeout",
        "Starting",
        "This app is starting and does not answer yet. Try again in a moment.",
        "If you run this app: its web dynos are starting. Their log and state:",
    ),
    "H80": Page(
        "H80 &middot; Maintenance mode",
        "Offline for maintenance",
        "This app is being worked on and will be back soon. Thank you for your patience.",
        "If you run this app: maintenance mode is on. When the work is done:",
        f"kedge maintenance:off -a {APP}",
    ),
    "H81": Page(
        "H81 &middot; Blank app",
        "There is nothing here yet",
        "This app has been created, but nothing has been deployed to it.",
        "If you run this app, in the folder of your code:",
        f"kedge git:remote -a {APP}\ngit push kedge main",
    ),
    "H99": Page(
        "H99 &middot; Platform error",
        "Something went wrong on our side",
        "The platform could not serve this page. Try again in a few minutes.",
        "If you run this platform, its status says which part is down:",
        f"kedge status\nkedge logs --tail -a {APP}",
    ),
    "502": Page(
        "503 &middot; H13, H17, H18 or H12",
        "Application error",
        LATER,
        "The app was reached, but gave no proper answer. " + FIND,
    ),
    "503": Page(
        "503 &middot; H19 or H21",
        "Application error",
        LATER,
        "No dyno of this app accepted the connection. " + FIND,
    ),
    "504": Page(
        "503 &middot; H12 Request timeout",
        "Application error",
        "The application took too long to answer. Try again shortly.",
        "The app took the request and did not begin its answer in time. " + FIND,
    ),
    "404": Page(
        "404",
        "No such app",
        "No app is served at this address. Check its spelling.",
        "If you expected an app here, see which there are, and the domains of yours:",
        "kedge apps\nkedge domains -a APP",
    ),
}


def file_name(key: str) -> str:
    """The file, within the router's folder, of the page for a code or HAProxy's own status."""
    return f"pages/{key}.html"


def page_files() -> dict[str, str]:
    """All pages as HAProxy reads them (`lf-file`), by file name."""
    frame = Template(
        files(__package__).joinpath("pages", "page.html").read_text("utf-8").replace("%", "%%")
    )
    return {
        file_name(key): frame.substitute(
            code=page.code,
            title=page.title,
            visitor=page.visitor,
            owner=page.owner,
            commands=page.commands,
            request_id=REQUEST_ID,
        )
        for key, page in PAGES.items()
    }
