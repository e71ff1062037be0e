// Makes an element like another by changing only what differs: focus, scroll positions, open details
// and half-filled forms stay as they are.

const FOCUSABLE = "a, button, input, select, summary, textarea";

// Does what changes the page; who had the focus has it afterwards too, also in an element made anew.
export function keepingFocus(change) {
  const focused = document.activeElement;
  const place = focused?.closest("[id]");
  const nth = place ? [...place.querySelectorAll(FOCUSABLE)].indexOf(focused) : -1;
  change();
  if (!place || document.activeElement === focused) return;
  const same = document.getElementById(place.id);
  (nth < 0 ? same : same?.querySelectorAll(FOCUSABLE)[nth])?.focus({ preventScroll: true });
}

export function morphChildren(here, there) {
  const byId = new Map();
  for (const child of here.children) if (child.id) byId.set(child.id, child);
  let at = here.firstChild;
  const all = [...there.childNodes];
  for (const [index, wanted] of all.entries()) {
    const known = wanted.id && byId.get(wanted.id);
    const isNew = !isKin(at, wanted) && isAmong(at, all.slice(index + 1));
    if (!isNew) at = removeUpTo(nextKin(at, wanted), at);
    if (known && known !== at) {
      here.insertBefore(known, at);
      morph(known, wanted);
    } else if (!isNew && mayBecome(at, wanted)) {
      morph(at, wanted);
      at = at.nextSibling;
    } else {
      here.insertBefore(document.importNode(wanted, true), at);
    }
  }
  removeUpTo(null, at);
}

export function morph(here, there) {
  if (here.nodeType !== Node.ELEMENT_NODE) {
    if (here.nodeValue !== there.nodeValue) here.nodeValue = there.nodeValue;
    return;
  }
  if (here.localName === "form" && isEdited(here)) return;
  if (here.localName === "time" && here.dateTime === there.dateTime) return;
  attributes(here, there);
  morphChildren(here, there);
}

// Whether somebody has changed a form and not sent it yet.
export function isEdited(form) {
  for (const field of form.elements) {
    if (field.type === "hidden" || field.localName === "button") continue;
    if (field.localName === "select") {
      const differs = (option) => option.selected !== option.defaultSelected;
      const chosen = [...field.options].some((option) => option.defaultSelected);
      if (chosen ? [...field.options].some(differs) : field.selectedIndex > 0) return true;
    } else if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked !== field.defaultChecked) return true;
    } else if (field.value !== field.defaultValue) return true;
  }
  return false;
}

// Without `end` everything from `at` on; answers what comes next.
function removeUpTo(end, at) {
  while (at !== end) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  return at;
}

// The node that is what is wanted: `at` itself unless one after it is nearer kin.
function nextKin(at, wanted) {
  if (wanted.nodeType !== Node.ELEMENT_NODE) return at;
  for (let own = at; own; own = own.nextSibling) if (isKin(own, wanted)) return own;
  return at;
}

// Whether one of these is what the element is now: then it waits for that one.
function isAmong(here, others) {
  return here?.nodeType === Node.ELEMENT_NODE && others.some((other) => isKin(here, other));
}

function isKin(here, there) {
  const kind = (node) => node.getAttribute?.("class");
  return mayBecome(here, there) && kind(here) === kind(there);
}

function mayBecome(here, there) {
  if (here?.nodeType !== there.nodeType || here.nodeName !== there.nodeName) return false;
  return !here.id || here.id === there.id;
}

function attributes(here, there) {
  for (const { name, value } of [...there.attributes])
    if (here.getAttribute(name) !== value) here.setAttribute(name, value);
  for (const { name } of [...here.attributes]) {
    const isOurs = here.localName === "details" && name === "open";
    if (!there.hasAttribute(name) && !isOurs) here.removeAttribute(name);
  }
  if (here.localName === "input" && here !== document.activeElement) {
    const value = there.getAttribute("value") ?? "";
    if (here.value !== value && here.type !== "file") here.value = value;
  }
}
