"""Providers' pages in a browser: axe in light and dark, wide and on a phone, nothing too wide."""

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark, on a phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


def faults(chromium, visitor, paths):
    """What is wrong with the pages at these paths, one line for each place."""
    host, found = urlsplit(visitor.base).hostname, []
    cookies = [
        {"name": each.name, "value": each.value, "domain": host, "path": each.path}
        for each in visitor.client.cookies.jar
    ]
    for name, look in LOOKS.items():
        context = chromium.new_context(**look)
        context.add_cookies(cookies)
        page, said = context.new_page(), []
        page.on("console", lambda message, said=said: said.append(message))
        page.on("pageerror", lambda error, said=said: said.append(error))
        for path in paths:
            page.goto(visitor.base + path)
            found += [f"{path} in {name}: {fault}" for fault in [*_of(page), *_own(page, said)]]
            said.clear()
        context.close()
    return found


def _own(page, said):
    """What went wrong with the page itself: not in a letter's frame, nor that it was asked for."""
    for each in said:
        location = getattr(each, "location", {"url": page.url})
        if getattr(each, "type", "error") == "error" and location["url"].split("?")[0] in page.url:
            text = getattr(each, "text", str(each))
            if "the server responded with a status of 4" not in text:
                yield text


def _of(page):
    """Axe runs by the browser's own hand: the pages' policy lets no script in."""
    page.evaluate(Axe().axe_script)
    violations = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        *([f"{over} pixels too wide"] if over > 0 else []),
        *(f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
          for each in violations for node in each["nodes"]),
    ]  # fmt: skip
