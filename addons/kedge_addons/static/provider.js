// What scripts add to pages that work without them.

// [data-live="ADDRESS"]: the part of that address with the same id takes its place every few
// seconds, while the page is looked at. Nothing is replaced where nothing changed.
const EVERY_MS = 3000;

async function renew(part) {
  const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(part.id);
  if (!fresh || fresh.innerHTML === part.innerHTML) return;
  if (part.contains(document.activeElement) && document.activeElement.id) {
    const id = document.activeElement.id;
    part.replaceChildren(...fresh.childNodes);
    document.getElementById(id)?.focus({ preventScroll: true });
  } else if (!part.contains(document.activeElement)) {
    part.replaceChildren(...fresh.childNodes);
  }
}

for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(() => {
    if (document.visibilityState === "visible") renew(part).catch(() => {});
  }, EVERY_MS);
}

// A form is sent once.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// [data-choose]: of the parts named by a choice, the chosen one alone is shown.
for (const choice of document.querySelectorAll("select[data-choose]")) {
  const show = () => {
    for (const part of document.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(choice.value);
    }
  };
  choice.addEventListener("change", show);
  show();
}
