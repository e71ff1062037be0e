// What scripts add to pages that work without them. Each part is a module of its own.
import { listen } from "./live.js";
import { begin as beginAsking } from "./ask.js";
import { begin as beginConsole } from "./console.js";
import { begin as beginCopying } from "./copy.js";
import { begin as beginForms } from "./forms.js";
import { begin as beginMenus } from "./menus.js";
import { begin as beginSwitcher } from "./switcher.js";
import { begin as beginTimes } from "./times.js";

beginAsking();
beginConsole();
beginCopying();
beginForms();
beginMenus();
beginSwitcher();
beginTimes();
listen();

// On a narrow screen the tabs scroll: the current one is to be seen.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
