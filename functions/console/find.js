// Looking for a hook's deliveries by the id of an event, or by an id in its data.

import { byId } from "./dom.js";

/** The field: what is looked for, and how it is asked for. */
export class FindField {
  #text = "";

  /** @param onChange is called when something else is looked for. */
  constructor(onChange) {
    const input = byId("deliveries-find");
    byId("deliveries-find-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look(input.value.trim(), onChange);
    });
    // A field that was emptied, as by its own cross, shows all again.
    input.addEventListener("input", () => input.value || this.#look("", onChange));
  }

  /** The id that is looked for; empty if none is. */
  get text() {
    return this.#text;
  }

  clear() {
    this.#text = "";
    byId("deliveries-find").value = "";
  }

  #look(text, onChange) {
    if (text === this.#text) return;
    this.#text = text;
    onChange();
  }
}
