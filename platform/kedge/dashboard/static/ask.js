// Asks before a form that says so is sent. Without scripts it is sent at once; all of these can be undone.

export function begin() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.ask || form.dataset.asked) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form.dataset.ask, () => {
      form.dataset.asked = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.asked;
    });
  }, { capture: true });
}

function ask(words, goOn) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  dialog.setAttribute("aria-label", "Please confirm");
  const text = document.createElement("p");
  text.textContent = words;
  const actions = document.createElement("div");
  actions.className = "ask-actions";
  const no = button("Cancel", "btn btn-quiet", () => dialog.close());
  const yes = button("Go on", "btn btn-danger", () => { dialog.close(); goOn(); });
  actions.append(no, yes);
  dialog.append(text, actions);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
}

function button(words, kind, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}
