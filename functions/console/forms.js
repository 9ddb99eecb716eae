// The forms that make or change a hook, and that ask for a recovery. What the API finds wrong stands at its field.

import { JsonText, explain } from "./api.js";
import { busy, byId, tell } from "./dom.js";
import { sentence } from "./status.js";
import { fromLocalInput, toLocalInput } from "./time.js";

const HOUR_MS = 3_600_000;

/** A form whose fields are named as the API names them: `{prefix}-{field}` and `{prefix}-{field}-error`. */
export class FieldForm {
  constructor(prefix, form, submit, fields) {
    this.prefix = prefix;
    this.form = byId(form);
    this.fields = fields;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      busy(byId(submit), () => this.submit());
    });
  }

  async submit() {
    this.showProblems(new Map(), "");
    try {
      await this.act(this.read());
    } catch (error) {
      const problems = byField(error.fields ?? new Map());
      const hasPlace = this.fields.some((field) => problems.has(field));
      this.showProblems(problems, hasPlace ? "" : explain(error));
    }
  }

  showProblems(problems, rest) {
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

/** A problem of a place within a field, such as `filter.data.id[0]`, stands at the field, and names the rest. */
function byField(problems) {
  const found = new Map();
  for (const [place, message] of problems) {
    const [, field, within] = place.match(/^(\w*)\.?(.*)$/s);
    const line = within ? `${within}: ${message}` : message;
    found.set(field, found.has(field) ? `${found.get(field)}\n${line}` : line);
  }
  return found;
}

/** A mistake that is seen before the API is asked. */
class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.fields = new Map([[field, message]]);
  }
}

/** A field's text as JSON that can be sent. */
export function readJson(field, text) {
  try {
    return new JsonText(text);
  } catch (error) {
    throw new FieldError(field, `It is not JSON. ${sentence(error.message)}`);
  }
}

/** One in a dialog, which closes once it is done. */
class DialogForm extends FieldForm {
  constructor(prefix, dialog, form, submit, fields) {
    super(prefix, form, submit, fields);
    this.dialog = byId(dialog);
  }

  open(act) {
    this.act = async (given) => {
      await act(given);
      this.dialog.close();
    };
    this.showProblems(new Map(), "");
    this.dialog.showModal();
  }
}

// The fields of a hook that are texts: what the form shows of a hook, and what a text says.
const HOOK_TEXTS = {
  scope: [(hook) => hook?.scope ?? "", (text) => text],
  destination: [(hook) => hook?.destination ?? "", (text) => text],
  headers: [(hook) => writeHeaders(hook?.headers), (text) => readHeaders(text)],
  filter: [(hook) => writeFilter(hook?.filter), (text) => (text ? readJson("filter", text) : null)],
  max_per_second: [(hook) => String(hook?.max_per_second ?? ""), (text) => readRate(text)],
};

/** Creates a hook, or changes one. */
export class HookForm extends DialogForm {
  #shown;

  constructor() {
    super("hook-form", "hook-form-dialog", "hook-form", "hook-form-submit", [...Object.keys(HOOK_TEXTS), "is_active"]);
  }

  /** With no hook, for a new one. */
  ask(hook, act) {
    byId("hook-form-title").textContent = hook ? `Edit hook ${hook.id}` : "Create a hook";
    byId("hook-form-submit").textContent = hook ? "Save" : "Create the hook";
    const inputs = this.form.elements;
    this.#shown = {};
    for (const [field, [write]] of Object.entries(HOOK_TEXTS)) {
      inputs[field].value = write(hook);
      this.#shown[field] = hook && inputs[field].value;
    }
    inputs.is_active.checked = hook?.is_active ?? true;
    inputs.is_active.closest(".field").hidden = Boolean(hook); // a switch of its own, with its own question
    this.open((given) => Object.keys(given).length && act(given));
  }

  /** All of a new hook, and of one that is there what was changed. */
  read() {
    const inputs = this.form.elements;
    const given = {};
    for (const [field, [, read]] of Object.entries(HOOK_TEXTS)) {
      if (inputs[field].value !== this.#shown[field]) given[field] = read(inputs[field].value.trim());
    }
    if (!inputs.is_active.closest(".field").hidden) given.is_active = inputs.is_active.checked;
    return given;
  }
}

function writeHeaders(headers) {
  return Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");
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

function writeFilter(filter) {
  return filter ? JSON.stringify(filter, null, 2) : "";
}

/** A number, or null for no limit. What is not a number is sent as it is: the API says what it takes. */
function readRate(text) {
  if (!text) return null;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Asks since when, and what, is to be recovered. */
export class RecoverForm extends DialogForm {
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
