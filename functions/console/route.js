// Where in the console one is stands in the fragment, which browsers send to nobody. Never the token.

/** What a fragment names: a store, one of its hooks, one of its deliveries, and which are listed. */
export function readRoute(fragment) {
  const [path, query] = fragment.replace(/^#\/?/, "").split("?");
  const [stores, store, hooks, hookId, deliveries, deliveryId] = path.split("/").map(decoded);
  if (stores !== "stores" || !store) return {};
  if (hooks !== "hooks" || !hookId) return { store };
  const status = new URLSearchParams(query).get("status") ?? "";
  return { store, hookId, status, deliveryId: deliveries === "deliveries" ? deliveryId : undefined };
}

/** The fragment that names it. */
export function routeTo({ store, hookId, deliveryId, status }) {
  if (!store) return "#/";
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
