// Forms that are sent without leaving the page, selects that send theirs, and lists found while typing.
import { again } from "./live.js";
import { keepingFocus, morph, morphChildren } from "./morph.js";
import { refresh as refreshTimes } from "./times.js";

const TYPING_MS = 160;

export function begin() {
  document.addEventListener("submit", submitted);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  for (const form of document.querySelectorAll("form[data-filter]")) beginFilter(form);
  document.querySelector("form[data-auto]")?.requestSubmit();
}

function submitted(event) {
  const form = event.target;
  if (form.dataset.busy && !event.defaultPrevented) busy(event.submitter, form.dataset.busy);
  if (event.defaultPrevented || !form.matches("[data-quiet], [data-theme]")) return;
  event.preventDefault();
  if (form.matches("[data-theme]") && event.submitter) document.documentElement.dataset.bsTheme = event.submitter.value;
  send(form, event.submitter);
}

// What takes seconds says so where it was asked for; sent twice it still counts once.
function busy(button, words) {
  if (!button) return;
  button.classList.add("is-busy");
  button.setAttribute("aria-busy", "true");
  button.textContent = words;
}

async function send(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body });
  } catch {
    return form.submit();
  }
  const page = parsed(await answer.text());
  const other = page.querySelector("main");
  if (!other || (answer.redirected && new URL(answer.url).pathname.startsWith("/dashboard/sign-in")))
    return location.assign(answer.url);
  history.replaceState(null, "", answer.url);
  keepingFocus(() => morph(document.querySelector("main"), other));
  for (const menu of document.querySelectorAll("header .menu")) {
    const same = [...page.querySelectorAll("header .menu")][[...document.querySelectorAll("header .menu")].indexOf(menu)];
    if (same) morph(menu, same);
  }
  renewTokens(page);
  refreshTimes(document);
}

// Forms outside what was replaced get the new page's token too, so that each sending counts once.
function renewTokens(page) {
  const fresh = page.querySelector('input[name="token"]')?.value;
  if (!fresh) return;
  for (const field of document.querySelectorAll('input[name="token"]')) field.value = fresh;
}

function beginFilter(form) {
  let timer = 0;
  let asked = 0;
  const find = async () => {
    const query = new URLSearchParams(new FormData(form));
    const path = query.get("q") ? `${form.getAttribute("action")}?${query}` : form.getAttribute("action");
    const number = ++asked;
    const answer = await fetch(path).catch(() => null);
    if (!answer?.ok || number !== asked) return;
    const page = parsed(await answer.text());
    const name = form.dataset.filter;
    const there = page.querySelector(`[data-live="${name}"]`);
    const here = document.querySelector(`[data-live="${name}"]`);
    if (!there || !here) return location.assign(path);
    morphChildren(here, there);
    here.dataset.digest = there.dataset.digest;
    refreshTimes(here);
    history.replaceState(null, "", path);
    for (const { name: each, value } of page.body.attributes)
      if (each.startsWith("data-live-")) document.body.setAttribute(each, value);
    again();
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, TYPING_MS); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); find(); });
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}
