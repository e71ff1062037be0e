// Menus are <details>: they close when somebody clicks elsewhere, leaves them, or presses Escape.

export function begin() {
  const close = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!except || !menu.contains(except)) menu.open = false;
  };
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("focusin", (event) => close(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
