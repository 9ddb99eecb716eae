// Where in the console one is stands in the fragment, which browsers send to nobody. A portal link has the token
// there too, until the page has opened.

/**
 * What a fragment names: a store, one of its hooks, one of its deliveries, and which are listed; or, with the
 * scope of one to begin with, where an event is tried.
 */
export function readRoute(fragment) {
  const [path, query] = fragment.replace(/^#\/?/, "").split("?");
  const [stores, store, hooks, hookId, deliveries, deliveryId] = path.split("/").map(decoded);
  const asked = new URLSearchParams(query);
  if (stores !== "stores" || !store) return {};
  if (hooks === "try") return { store, tried: asked.get("scope") ?? "" };
  if (hooks !== "hooks" || !hookId) return { store };
  const status = asked.get("status") ?? "";
  return { store, hookId, status, deliveryId: deliveries === "deliveries" ? deliveryId : undefined };
}

/** The token of the portal link that led here, if one did. From then on it is not in the address. */
export function takeToken() {
  const token = new URLSearchParams(location.hash.split("?")[1]).get("token");
  if (token) history.replaceState(null, "", routeTo(readRoute(location.hash)));
  return token;
}

/** The fragment that names it. */
export function routeTo({ store, hookId, deliveryId, status, tried }) {
  if (!store) return "#/";
  if (tried !== undefined) return `#/stores/${encodeURIComponent(store)}/try${tried && `?scope=${encodeURIComponent(tried)}`}`;
  let route = `#/stores/${encodeURIComponent(store)}/hooks`;
  if (hookId) route += `/${encodeURIComponent(hookId)}`;
  if (deliveryId) route += `/deliveries/${encodeURIComponent(deliveryId)}`;
  return status ? `${route}?status=${encodeURIComponent(status)}` : route;
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
