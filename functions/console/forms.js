// The forms that make or change a hook, and that ask for a recovery. What the API finds wrong stands at its field.

import { ApiError, explain } from "./api.js";
import { busy, byId, tell } from "./dom.js";
import { fromLocalInput, toLocalInput } from "./time.js";

const HOUR_MS = 3_600_000;

/** A form in a dialog, whose fields are named as the API names them: `{prefix}-{field}` and `{prefix}-{field}-error`. */
class FieldForm {
  constructor(prefix, dialog, form, submit, fields) {
    this.prefix = prefix;
    this.dialog = byId(dialog);
    this.form = byId(form);
    this.fields = fields;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      busy(byId(submit), () => this.#submit());
    });
  }

  open(act) {
    this.act = act;
    this.#showProblems(new Map(), "");
    this.dialog.showModal();
  }

  async #submit() {
    this.#showProblems(new Map(), "");
    try {
      await this.act(this.read());
      this.dialog.close();
    } catch (error) {
      const fields = error instanceof ApiError ? error.fields : (error.fields ?? new Map());
      const hasPlace = [...fields.keys()].some((field) => this.fields.includes(field));
      this.#showProblems(fields, hasPlace ? "" : explain(error));
    }
  }

  #showProblems(problems, rest) {
    tell(byId(`${this.prefix}-problem`), rest);
    let first;
    for (const field of this.fields) {
      const input = byId(`${this.prefix}-${field}`);
      const message = problems.get(field) ?? "";
      tell(byId(`${this.prefix}-${field}-error`), message);
      input.ariaInvalid = message ? "true" : null;
      if (message) first ??= input;
    }
    first?.focus();
  }
}

/** A mistake that is seen before the API is asked. */
class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.fields = new Map([[field, message]]);
  }
}

/** Creates a hook, or changes one. */
export class HookForm extends FieldForm {
  constructor() {
    super("hook-form", "hook-form-dialog", "hook-form", "hook-form-submit", ["scope", "destination", "headers", "is_active"]);
  }

  /** With no hook, for a new one. */
  ask(hook, act) {
    byId("hook-form-title").textContent = hook ? `Edit hook ${hook.id}` : "Create a hook";
    byId("hook-form-submit").textContent = hook ? "Save" : "Create the hook";
    const { scope, destination, headers, is_active: isActive } = this.form.elements;
    scope.value = hook?.scope ?? "";
    destination.value = hook?.destination ?? "";
    headers.value = Object.entries(hook?.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");
    isActive.checked = hook?.is_active ?? true;
    isActive.closest(".field").hidden = Boolean(hook); // a switch of its own, with its own question
    this.open((given) => {
      if (hook) delete given.is_active;
      return act(given);
    });
  }

  read() {
    const { scope, destination, headers, is_active: isActive } = this.form.elements;
    return {
      scope: scope.value.trim(),
      destination: destination.value.trim(),
      headers: readHeaders(headers.value),
      is_active: isActive.checked,
    };
  }
}

function readHeaders(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const headers = lines.map((line, index) => {
    const [, name, value] = line.match(/^([^:]+):(.*)$/) ?? [];
    if (!name) throw new FieldError("headers", `Line ${index + 1} has no colon. A header is written as “Name: value”.`);
    return [name.trim(), value.trim()];
  });
  return headers.length ? Object.fromEntries(headers) : null;
}

/** Asks since when, and what, is to be recovered. */
export class RecoverForm extends FieldForm {
  constructor() {
    super("recover", "recover-dialog", "recover-form", "recover-submit", ["since", "until", "status"]);
    for (const button of this.form.querySelectorAll("[data-hours]")) {
      button.addEventListener("click", () => {
        this.form.elements.since.value = toLocalInput(new Date(Date.now() - button.dataset.hours * HOUR_MS));
      });
    }
  }

  ask(since, hint, act) {
    const { since: from, until, status } = this.form.elements;
    from.value = toLocalInput(since);
    until.value = "";
    for (const box of status) box.checked = ["exhausted", "held"].includes(box.value);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    byId("recover-since-hint").textContent = `${hint} Times are those of ${zone}.`;
    this.open(act);
  }

  read() {
    const { since, until, status } = this.form.elements;
    if (!since.value) throw new FieldError("since", "A recovery needs a time to begin from.");
    const wanted = { since: fromLocalInput(since.value) };
    if (until.value) wanted.until = fromLocalInput(until.value);
    wanted.status = [...status].filter((box) => box.checked).map((box) => box.value);
    if (!wanted.status.length) throw new FieldError("status", "Choose at least one.");
    return wanted;
  }
}
