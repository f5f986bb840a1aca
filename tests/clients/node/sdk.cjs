// Walks /api/v2/flows with Auth0's SDK, and prints what it was told, as JSON.
"use strict";

const { ManagementClient } = require("auth0");

const { DOMAIN, TOKEN, STEPS } = process.env;
const once = { maxRetries: 0 };
const client = (token) => new ManagementClient({ domain: DOMAIN, token });

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return { name: error.constructor.name, status: error.statusCode, body: error.body };
  }
  throw new Error("it was not refused");
}

async function main() {
  const { flows } = client(TOKEN);
  const told = {};
  for (const name of ["a", "b", "c"]) {
    await flows.create({ name });
  }
  const listed = [];
  for await (const flow of await flows.list({ per_page: 2 })) {
    listed.push(flow.name);
  }
  told.listed = listed;
  told.total = (await flows.list()).response.total;
  told.updated = await flows.update("flow_a", { name: "A", steps: JSON.parse(STEPS) });
  told.read = await flows.get("flow_a");
  await flows.delete("flow_a");
  told.missing = await refusal(() => flows.get("flow_a", {}, once));
  told.stranger = await refusal(() => client("x.y.z").flows.list({}, once));
  told.wrong = await refusal(() => flows.create({ name: "" }, once));
  told.connections = (await flows.vault.connections.list()).data;
  console.log(JSON.stringify(told));
}

main();
