// What an app does with the three client libraries; it prints what it saw as JSON.
//
//   node app.cjs PORT CA_FILE STORE_HASH TOKEN

"use strict";

const fs = require("node:fs");
const https = require("node:https");
const space48 = require("@space48/bigcommerce-api");
const { BigCommerceApiClient } = require("bigcommerce-api-client");
const { Limit } = require("bigcommerce-api-client/lib/model/common");
const NodeBigCommerce = require("node-bigcommerce");

const [port, caFile, storeHash, accessToken] = process.argv.slice(2);

// The first two always speak to api.bigcommerce.com; their agent is where another server can be put in.
class LocalAgent extends https.Agent {
  createConnection(options, callback) {
    const here = { host: "127.0.0.1", port: Number(port), servername: "localhost", ca: fs.readFileSync(caFile) };
    return super.createConnection({ ...options, ...here }, callback);
  }
}

const agent = new LocalAgent({ keepAlive: true });

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

async function withSpace48InV3() {
  const { v3 } = new space48.Management.Client({ storeHash, accessToken, agent });
  const seen = {};
  const order = { scope: "store/order/*", destination: "https://app.example.com/orders", is_active: true };
  const hook = await v3.post("/hooks", { body: { ...order, headers: { "X-A": "1" } } });
  seen.created = hook;
  for (let number = 0; number < 3; number += 1) {
    const product = { scope: "store/product/*", destination: `https://app.example.com/${number}`, is_active: false };
    await v3.post("/hooks", { body: product });
  }
  seen.all = (await all(v3.list("/hooks"))).map((found) => found.id);
  seen.inPagesOfTwo = (await all(v3.list("/hooks", { query: { limit: 2 } }))).map((found) => found.id);
  seen.active = (await all(v3.list("/hooks", { query: { is_active: true } }))).map((found) => found.id);
  const path = { webhook_id: hook.id };
  seen.got = await v3.get("/hooks/{webhook_id}", { path });
  seen.updated = (await v3.put("/hooks/{webhook_id}", { path, body: { is_active: false } })).is_active;
  seen.duplicate = (await refused(v3.post("/hooks", { body: order }))).message;
  seen.invalid = (await refused(v3.post("/hooks", { body: { scope: "store/order/*" } }))).message;
  seen.empty = (await refused(v3.put("/hooks/{webhook_id}", { path, body: {} }))).message;
  await v3.put("/hooks/admin", { body: { emails: ["hooks@example.com"] } });
  const admin = await v3.get("/hooks/admin");
  seen.admin = [admin.emails, admin.hooks_list.map((found) => found.status), admin.blocked_domains];
  seen.events = await all(v3.list("/hooks/events", { query: { "created_at:min": "1795428000" } }));
  seen.deleted = (await v3.delete("/hooks/{webhook_id}", { path })).id;
  seen.gone = await v3.get("/hooks/{webhook_id}", { path });
  for (const id of seen.all.slice(1)) await v3.delete("/hooks/{webhook_id}", { path: { webhook_id: id } });
  seen.left = await all(v3.list("/hooks"));
  return seen;
}

async function withSpace48InV2() {
  const { v2 } = new space48.Management.Client({ storeHash, accessToken, agent });
  const seen = {};
  const cart = { scope: "store/cart/*", destination: "https://app.example.com/carts" };
  const hook = await v2.post("/hooks", { body: cart });
  const path = { id: hook.id };
  seen.created = hook.created_at;
  seen.all = (await v2.get("/hooks")).map((found) => found.id === hook.id);
  seen.second = await v2.get("/hooks", { query: { page: 2, limit: 1 } });
  seen.invalid = (await refused(v2.post("/hooks", { body: { scope: "store/cart/*" } }))).message;
  seen.got = (await v2.get("/hooks/{id}", { path })).scope;
  seen.updated = (await v2.put("/hooks/{id}", { path, body: { is_active: true } })).is_active;
  seen.deleted = (await v2.delete("/hooks/{id}", { path })).id === hook.id;
  seen.gone = await v2.get("/hooks/{id}", { path });
  return seen;
}

async function withNodeBigcommerce(apiVersion) {
  const client = new NodeBigCommerce({ clientId: "any", accessToken, storeHash, responseType: "json", apiVersion, agent });
  const data = (answer) => (apiVersion === "v3" ? answer.data : answer);
  const seen = {};
  const customer = { scope: "store/customer/*", destination: "https://app.example.com/customers" };
  const hook = data(await client.post("/hooks", customer));
  seen.created = [hook.scope, hook.headers, hook.is_active];
  const other = data(await client.post("/hooks", { ...customer, destination: "https://app.example.com/2", is_active: true }));
  const idsOf = async (query) => data(await client.get(`/hooks?${query}`)).map((found) => found.id);
  seen.all = (await idsOf("page=1&limit=10")).map((id) => [hook.id, other.id].indexOf(id));
  seen.second = (await idsOf("page=2&limit=1")).map((id) => id === other.id);
  if (apiVersion === "v3") seen.active = (await idsOf("is_active=true")).map((id) => id === other.id);
  const invalid = await refused(client.post("/hooks", { scope: "store/customer/*" }));
  seen.invalid = [invalid.code, JSON.parse(invalid.responseBody)];
  seen.got = data(await client.get(`/hooks/${hook.id}`)).destination;
  seen.updated = data(await client.put(`/hooks/${hook.id}`, { destination: "https://app.example.com/moved" })).destination;
  seen.duplicate = (await refused(client.post("/hooks", { ...customer, destination: "https://app.example.com/moved" }))).code;
  seen.deleted = data(await client.delete(`/hooks/${hook.id}`)).id === hook.id;
  await client.delete(`/hooks/${other.id}`);
  const gone = await refused(client.get(`/hooks/${hook.id}`));
  seen.gone = [gone.code, JSON.parse(gone.responseBody)];
  seen.id = hook.id;
  if (apiVersion === "v3") {
    seen.named = await client.put("/hooks/admin", { emails: [] });
    seen.admin = data(await client.get("/hooks/admin?is_active=true"));
  }
  return seen;
}

async function withApiClient() {
  const client = new BigCommerceApiClient({ storeHash, accessToken });
  // It has no option for another server. Node trusts the authority by NODE_EXTRA_CA_CERTS.
  client.apiClient.axiosInstance.defaults.baseURL = `https://localhost:${port}/stores/${storeHash}`;
  const { webhooks } = client;
  const seen = {};
  const order = { scope: "store/order/*", destination: "https://app.example.com/orders", is_active: true, headers: null };
  const hook = (await webhooks.createWebhook({ ...order, headers: { "X-A": "1" } })).data;
  seen.created = hook;
  for (let number = 0; number < 3; number += 1) {
    await webhooks.createWebhook({ ...order, scope: "store/product/*", destination: `https://app.example.com/${number}`, is_active: false });
  }
  const idsOf = async (...wanted) => (await webhooks.getWebhooks(...wanted)).data.map((found) => found.id);
  seen.all = await idsOf();
  seen.secondOfThree = await idsOf({}, 2, 3);
  seen.pagination = (await webhooks.getWebhooks({}, 1, Limit.ALL)).meta.pagination;
  seen.active = await idsOf({ is_active: true });
  seen.ofScope = await idsOf({ scope: "store/order/*", destination: order.destination });
  seen.got = (await webhooks.getWebhook(hook.id)).data;
  seen.updated = (await webhooks.updateWebhook(hook.id, { ...hook, is_active: false })).data.is_active;
  seen.duplicate = (await refused(webhooks.createWebhook(order))).message;
  seen.invalid = (await refused(webhooks.createWebhook({ scope: "store/order/*" }))).message;
  await webhooks.webhookAdmin.upsertEmailNotifications({ emails: ["hooks@example.com"] });
  seen.emails = (await webhooks.webhookAdmin.getAdminInfo({ is_active: false })).data.emails;
  const since = { "created_at:min": new Date(1795428000000), "created_at:max": new Date(1795514400000) };
  seen.events = (await webhooks.webhookEvents.getEvents(since, 1, 10)).data;
  seen.deleted = (await webhooks.deleteWebhook(hook.id)).data.id;
  seen.gone = await webhooks.getWebhook(hook.id);
  for (const id of seen.all.slice(1)) await webhooks.deleteWebhook(id);
  seen.left = await idsOf();
  return seen;
}

async function main() {
  const seen = {
    "space48 v3": await withSpace48InV3(),
    "space48 v2": await withSpace48InV2(),
    "node-bigcommerce v3": await withNodeBigcommerce("v3"),
    "node-bigcommerce v2": await withNodeBigcommerce("v2"),
    "bigcommerce-api-client v3": await withApiClient(),
  };
  agent.destroy();
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
