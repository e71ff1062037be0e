// Keeps an open page up to date: listens while the page is to be seen, swaps what changed.
import { isEdited, keepingFocus, morphChildren } from "./morph.js";
import { refresh as refreshTimes } from "./times.js";

const PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 30000;
const HIDDEN_MS = 10000;
const GOING_MS = 5000;
const handlers = new Map([["regions", swap]]);
let source = null;
let pause = PAUSE_MS;
let hiding = 0;
let isGoing = false;

// Calls `handle` with what comes under a name; `mark` tells what is there already.
export function on(name, mark, handle) {
  handlers.set(name, handle);
  marks.set(name, mark);
}
const marks = new Map([["regions", seenRegions]]);

export function listen() {
  if (!document.body.dataset.livePage) return;
  document.addEventListener("visibilitychange", shown);
  addEventListener("pagehide", close);
  addEventListener("beforeunload", goingAway);
  addEventListener("pageshow", (event) => event.persisted && stayed());
  if (!document.hidden) open();
}

// Begins anew, for a page whose arguments have changed.
export function again() {
  close();
  open();
}

function shown() {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(close, HIDDEN_MS);
  else if (!source) open();
}

// Somebody goes on to another page: what ends meanwhile must not bring this one back.
function goingAway() {
  close();
  isGoing = true;
  setTimeout(stayed, GOING_MS);
}

function stayed() {
  isGoing = false;
  if (!document.hidden && !source) open();
}

function address() {
  const { livePage, liveApp } = document.body.dataset;
  const query = new URLSearchParams({ page: livePage });
  if (liveApp) query.set("app", liveApp);
  for (const { name, value } of document.body.attributes)
    if (name.startsWith("data-live-arg-") && value) query.set(name.slice(14), value);
  for (const [name, mark] of marks) query.set(`seen.${name}`, mark());
  const output = document.querySelector("[data-output]:not([data-done])");
  if (output) query.set("output", output.dataset.output);
  return `/dashboard/live?${query}`;
}

function open() {
  if (!document.body.dataset.livePage || source || isGoing) return;
  source = new EventSource(address());
  source.onopen = () => {
    pause = PAUSE_MS;
    tell("Live", true);
  };
  source.onmessage = received;
  source.addEventListener("over", () => ask());
  source.onerror = () => {
    tell("Connecting again…", false);
    if (source && source.readyState === EventSource.CLOSED) retry();
  };
}

function close() {
  clearTimeout(hiding);
  if (source) source.close();
  source = null;
}

function retry() {
  close();
  tell("Not live: trying again", false);
  setTimeout(() => document.hidden || source || ask(), pause * (0.75 + Math.random() / 2));
  pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
}

// Whether this page may still be seen; whoever may not is shown why.
async function ask() {
  close();
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  } catch {
    return retry();
  }
  if (answer.status >= 500) return retry();
  if (!answer.ok || answer.redirected) return leave();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const ids = (root) => [...root.querySelectorAll("[data-live]")].map((each) => each.dataset.live).join();
  if (ids(page) !== ids(document)) return leave();
  for (const region of page.querySelectorAll("[data-live]"))
    put(region.dataset.live, region, region.dataset.digest);
  open();
}

function leave() {
  if (isGoing) return;
  if ([...document.forms].some(isEdited)) tell("This page has changed: load it again", false);
  else location.reload();
}

function received(event) {
  const told = JSON.parse(event.data);
  const now = JSON.parse(event.lastEventId || "{}");
  for (const [name, news] of Object.entries(told)) handlers.get(name)?.(news, now[name]);
}

function seenRegions() {
  const regions = [...document.querySelectorAll("[data-live]")];
  return regions.map((each) => `${each.dataset.live}.${each.dataset.digest}`).join(",");
}

function swap(regions, mark) {
  const digests = new Map(mark.split(",").map((each) => each.split(".")));
  const parsed = document.createElement("template");
  for (const [name, html] of Object.entries(regions)) {
    parsed.innerHTML = html;
    put(name, parsed.content, digests.get(name));
  }
}

function put(name, content, digest) {
  const region = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
  if (!region) return;
  keepingFocus(() => morphChildren(region, content));
  region.dataset.digest = digest;
  refreshTimes(region);
}

function tell(words, isLive) {
  const place = document.querySelector("[data-live-state]");
  if (!place) return;
  place.hidden = false;
  place.textContent = words;
  place.classList.toggle("is-live", isLive);
}
