// The API, on the origin that served this page.

const TIMEOUT_MS = 35_000; // the gateway gives up after 29 s
const TRIES_OF_A_READ = 3;
const LONGEST_WAIT_SECONDS = 10;
export const HOOKS_PAGE_SIZE = 250;

/** What stands before /console, as /live does where the stage is in the path, stands before /stores too. */
export function basePath() {
  return location.pathname.replace(/\/console\/?$/, "");
}

/** Whether the stack is one that `make run` started on this machine. */
export function isLocal() {
  return ["127.0.0.1", "localhost"].includes(location.hostname);
}

/** A response that is no 2xx, or none at all (status 0). */
export class ApiError extends Error {
  constructor(status, problems, retryAfter) {
    super(problems[0]?.message ?? "");
    this.status = status;
    this.problems = problems;
    this.retryAfter = retryAfter;
  }

  /** The message of each field that is at fault, by its name. */
  get fields() {
    const named = this.problems.filter((problem) => problem.details?.field);
    return new Map(named.map((problem) => [problem.details.field, atField(problem)]));
  }
}

/** What is wrong with a field, told beside it: without its name. */
function atField({ message, details: { invalid_reason: reason, accepted } }) {
  return reason && accepted ? `It ${reason}. Accepted: ${accepted}.` : message;
}

/** JSON that a person wrote: it is sent as it is, with all digits of its numbers. */
export class JsonText {
  /** @throws SyntaxError if it is not JSON. */
  constructor(text) {
    JSON.parse(text);
    this.text = text;
  }
}

/** The hooks API of a store. The token goes nowhere but into the header of these requests. */
export class Api {
  mayPublish; // whether the token may publish events; undefined until a list of hooks said so
  isReadOnly; // whether the token may not change anything; undefined until a list of hooks said so
  #token;
  #url;

  constructor(store, token) {
    this.store = store;
    this.#token = token;
    this.#url = `${basePath()}/stores/${encodeURIComponent(store)}/v2`;
  }

  /** The body of the response; a read that comes at a bad moment is tried again. */
  async call(method, path, body) {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#send(method, path, body)).content;
      } catch (error) {
        const isBadMoment = error instanceof ApiError && (error.status === 429 || error.status === 503);
        if (method !== "GET" || !isBadMoment || attempt >= TRIES_OF_A_READ) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
      }
    }
  }

  /** Change a hook. It comes with the id of the recovery of what was held, if it resumes. */
  async changeHook(id, given) {
    const { content: hook, location } = await this.#send("PUT", `/hooks/${id}`, given);
    return { hook, recoveryId: location?.split("/").at(-1) };
  }

  /** The client's hooks, or those of so many first pages. */
  async hooks(pages = Infinity) {
    const hooks = [];
    for (let page = 1; page <= pages && hooks.length === (page - 1) * HOOKS_PAGE_SIZE; page++) {
      hooks.push(...(await this.call("GET", `/hooks?limit=${HOOKS_PAGE_SIZE}&page=${page}`)));
    }
    return hooks;
  }

  async #send(method, path, body) {
    let response, text;
    try {
      response = await fetch(this.#url + path, {
        method,
        headers: {
          "X-Auth-Token": this.#token,
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        body: body && written(body),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch {
      throw new ApiError(0, [], 1);
    }
    const scopes = response.headers.get("X-OAuth-Scopes")?.split(", ");
    if (scopes) {
      this.isReadOnly = !scopes.includes("default");
      this.mayPublish = scopes.includes("events");
    }
    const content = parsed(text);
    if (response.ok && content !== undefined) return { content, location: response.headers.get("Location") };
    const retryAfter = Number(response.headers.get("X-Retry-After")) || 1;
    const problems = Array.isArray(content) ? content : [];
    throw new ApiError(response.status, problems, Math.min(retryAfter, LONGEST_WAIT_SECONDS));
  }
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    // For a filter 1.50 is not 1.5: it keeps the digits of its numbers, and can be sent back.
    if (value?.filter) value.filter = JSON.parse(text, withDigits).filter;
    return value;
  } catch {
    return undefined;
  }
}

/** A number that the browser would write in another way, as one that keeps its text, in browsers that have those. */
function withDigits(_name, value, { source } = {}) {
  const isKept = typeof value !== "number" || source === undefined || String(value) === source;
  return isKept || !JSON.rawJSON ? value : JSON.rawJSON(source);
}

/** The JSON of an object, a member of which may be a text of JSON. */
function written(object) {
  const members = Object.entries(object).map(([name, value]) => {
    return `${JSON.stringify(name)}:${value instanceof JsonText ? value.text : JSON.stringify(value)}`;
  });
  return `{${members.join()}}`;
}

/** What went wrong, in words that say what to do about it. */
export function explain(error) {
  if (!(error instanceof ApiError)) throw error;
  switch (error.status) {
    case 0:
      return "No response came. Is the connection up, and the stack running? Then try again.";
    case 401:
      return "This token is not known: it is mistyped, revoked or expired.";
    case 403:
      return error.fields.size || error.problems[0]?.details?.quota
        ? error.message
        : "This token may not do that: it is another store’s, or lacks the OAuth scope for it (“events” to publish, “default” for all else).";
    case 404:
      return "There is no such thing (any more): it was deleted, is another client’s, or was too old to be kept.";
    case 429:
      return `Too many requests at once. Try again in ${error.retryAfter} s.`;
    case 500:
    case 502:
    case 503:
    case 504:
      return `The service failed (${error.status}). If you changed something, refresh to see whether it took effect, then try again.`;
    default:
      return error.problems.map((problem) => problem.message).join(" ") || `The response was ${error.status}.`;
  }
}
