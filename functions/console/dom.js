// Elements. What comes from the API is hostile text: it becomes text nodes and properties, never markup.

/** The element of page.html with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element with these properties (`class`, `role` and names with a dash are attributes) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name === "role" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A path as text that may be broken after each slash. */
export function breakable(path) {
  return path.split(/(?<=\/)/).flatMap((segment) => [segment, el("wbr")]);
}

/** Show a text in an element that is hidden without one. */
export function tell(element, text) {
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make a list show these items, a row for each. Rows that are there stay the elements they are, so
 * that a refresh moves neither the focus nor the page; only those whose item changed are drawn anew.
 * When the row that had the focus is gone, the heading gets it.
 */
export function keep(list, items, keyOf, draw, heading) {
  const hadFocus = list.contains(document.activeElement);
  const rows = new Map([...list.children].map((row) => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    const row = rows.get(key) ?? el("li");
    rows.delete(key);
    row.dataset.key = key;
    const drawn = JSON.stringify(item);
    if (row.drawn !== drawn) draw(row, item);
    row.drawn = drawn;
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  for (const row of rows.values()) row.remove();
  if (hadFocus && !list.contains(document.activeElement)) heading.focus();
}

/** The link that is all of a row. */
export function rowLink(row) {
  return row.querySelector("a.row") ?? row.appendChild(el("a", { class: "row" }));
}

/** Do what a button asks for, once at a time; the button keeps the focus meanwhile. */
export async function busy(button, work) {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  button.ariaBusy = "true";
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
    button.ariaBusy = null;
  }
}

/** What was done, for a few seconds at the foot of the page, and said by screen readers. */
export function news(text) {
  const place = byId("news");
  place.textContent = text;
  clearTimeout(place.timer);
  place.timer = setTimeout(() => (place.textContent = ""), 8000);
}

/** Buttons that close the dialog they stand in. */
export function wireDialogs() {
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

/** Ask before something is done, and tell in the question why it could not be; `then` follows when it was. */
export function ask({ title, text, yes, isDangerous = true, act, then, explain }) {
  const [dialog, form, button] = [byId("question"), byId("question-form"), byId("question-yes")];
  byId("question-title").textContent = title;
  byId("question-text").textContent = text;
  button.textContent = yes;
  button.className = isDangerous ? "danger" : "primary";
  tell(byId("question-problem"), "");
  form.onsubmit = (event) => {
    event.preventDefault();
    busy(button, async () => {
      try {
        await act();
        dialog.close();
        then?.();
      } catch (error) {
        tell(byId("question-problem"), explain(error));
      }
    });
  };
  dialog.showModal();
}
