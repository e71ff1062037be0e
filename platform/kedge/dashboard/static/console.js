// Outputs and logs as they grow: they stay at their end unless the reader has scrolled up.
import { on } from "./live.js";

const MOST_LINES = 5000;
const NEAR_PIXELS = 40;

export function begin() {
  for (const box of document.querySelectorAll(".console")) beginBox(box);
  const output = document.querySelector("[data-output]");
  if (output) on("output", () => output.dataset.mark, (news, mark) => grow(output, news, mark));
  const log = document.querySelector("[data-log]");
  if (log) beginLog(log);
}

function beginBox(box) {
  const lines = box.querySelector(".console-lines");
  const jump = box.querySelector(".console-jump");
  const update = () => { jump.hidden = isAtEnd(lines); };
  lines.addEventListener("scroll", update, { passive: true });
  jump.addEventListener("click", () => { toEnd(lines); lines.focus({ preventScroll: true }); });
  toEnd(lines);
}

function grow(box, news, mark) {
  const lines = box.querySelector(".console-lines");
  const rest = box.querySelector(".console-rest");
  const follows = isAtEnd(lines);
  if (news.lost) rest.before(told(`… ${news.lost} lines …`));
  for (const line of news.lines) {
    const row = document.createElement("div");
    row.innerHTML = line;
    rest.before(row);
  }
  rest.innerHTML = news.rest;
  box.dataset.mark = mark;
  if (news.end) box.dataset.done = "";
  settle(lines, follows);
}

function beginLog(box) {
  const lines = box.querySelector(".console-lines");
  const empty = box.querySelector(".console-empty");
  const button = document.querySelector("[data-log-pause]");
  let waiting = [];
  const isPaused = () => button.getAttribute("aria-pressed") === "true";
  const show = (rows) => {
    const follows = isAtEnd(lines);
    lines.insertAdjacentHTML("beforeend", rows.join(""));
    empty.hidden = lines.childElementCount > 0;
    settle(lines, follows);
  };
  on("log", () => box.dataset.mark, (news, mark) => {
    box.dataset.mark = mark;
    if (!isPaused()) return show(news.rows);
    waiting = [...waiting, ...news.rows].slice(-MOST_LINES);
    button.lastElementChild.textContent = `Go on (${waiting.length} new)`;
  });
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isPaused()));
    button.lastElementChild.textContent = isPaused() ? "Go on" : "Pause";
    if (!isPaused()) { show(waiting); waiting = []; toEnd(lines); }
  });
}

function settle(lines, follows) {
  if (!follows) return;
  for (let over = lines.childElementCount - MOST_LINES; over > 0; over--) lines.firstElementChild.remove();
  toEnd(lines);
}

function isAtEnd(lines) {
  return lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PIXELS;
}

function toEnd(lines) {
  lines.scrollTop = lines.scrollHeight;
}

function told(words) {
  const row = document.createElement("div");
  row.className = "line-lost";
  row.textContent = words;
  return row;
}
