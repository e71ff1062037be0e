// The field that leads to an app: names appear while one types. "/" goes to it from anywhere.

const TYPING_MS = 120;

export function begin() {
  const field = document.querySelector("[data-switcher]");
  if (!field) return;
  const list = document.getElementById(field.getAttribute("aria-controls"));
  let timer = 0;
  let at = -1;

  const hide = () => {
    list.hidden = true;
    at = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const choose = (number) => {
    const rows = [...list.children].filter((row) => row.dataset.path);
    if (!rows.length) return;
    at = (number + rows.length) % rows.length;
    rows.forEach((row, n) => row.setAttribute("aria-selected", String(n === at)));
    rows[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", rows[at].id);
  };
  const find = async () => {
    const answer = await fetch(`${field.dataset.switcher}?${new URLSearchParams({ q: field.value })}`).catch(() => null);
    if (!answer?.ok || document.activeElement !== field) return;
    const found = await answer.json();
    list.replaceChildren(...(found.length ? found.map(row) : [nothing()]));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    at = -1;
    if (found.length) choose(0);
  };

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, TYPING_MS); });
  field.addEventListener("focus", find);
  field.addEventListener("blur", () => setTimeout(hide, 150));
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && at >= 0 && !list.hidden) {
      event.preventDefault();
      location.assign(list.children[at].dataset.path);
    } else if (event.key === "Escape") {
      hide();
      field.blur();
    }
  });
  list.addEventListener("mousedown", (event) => {
    const path = event.target.closest("[data-path]")?.dataset.path;
    if (path) location.assign(path);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });
}

function row({ name, path }, number) {
  const made = document.createElement("li");
  made.id = `switcher-${number}`;
  made.setAttribute("role", "option");
  made.dataset.path = path;
  made.textContent = name;
  return made;
}

function nothing() {
  const made = document.createElement("li");
  made.setAttribute("role", "option");
  made.setAttribute("aria-disabled", "true");
  made.textContent = "No app is called so";
  return made;
}
