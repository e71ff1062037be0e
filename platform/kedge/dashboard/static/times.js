// Keeps "3 minutes ago" true while a page stays open.

const EVERY_MS = 15000;
const STEPS = [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [Infinity, 86400, "day"]];

export function begin() {
  setInterval(() => document.hidden || refresh(document), EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || refresh(document));
}

export function refresh(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const words = ago(new Date(time.dateTime));
    if (words && time.textContent !== words) time.textContent = words;
  }
}

function ago(moment) {
  const seconds = Math.floor((Date.now() - moment) / 1000);
  if (seconds < -5 || seconds > 30 * 86400) return null;
  if (seconds < 5) return "just now";
  const [, unit, name] = STEPS.find(([limit]) => seconds < limit);
  const number = Math.floor(seconds / unit);
  return `${number} ${name}${number === 1 ? "" : "s"} ago`;
}
