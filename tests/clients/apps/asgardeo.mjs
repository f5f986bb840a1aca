// Registers somebody with each version of WSO2's SDK, and prints what it was told, as JSON.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { BASE_URL, NODE_PATH, PASSWORD } = process.env;
// By its place: an import does not look in NODE_PATH, and no node can load its CommonJS.
const sdk = pathToFileURL(join(NODE_PATH, "@asgardeo/javascript/dist/index.js"));
const { executeEmbeddedSignUpFlow, executeEmbeddedSignUpFlowV2 } = await import(sdk);

async function walk(execute, first, answer, email) {
  const call = (payload) => execute({ baseUrl: BASE_URL, payload });
  const told = [await call(first)];
  for (const address of ["no address", email]) {
    const { flowId, data } = told.at(-1);
    const form = data.components.find((component) => component.type === "FORM");
    const button = form.components.find((component) => component.type === "BUTTON");
    const typed = { EMAIL: address, PASSWORD };
    const fields = form.components.filter((component) => component.type === "INPUT");
    const inputs = Object.fromEntries(fields.map((field) => [field.config.name, typed[field.variant]]));
    told.push(await call({ flowId, inputs, ...answer(button) }));
  }
  return told;
}

async function refusal(execute) {
  try {
    await execute({ baseUrl: BASE_URL, payload: { flowId: "gone" } });
  } catch (error) {
    return { name: error.name, status: error.statusCode };
  }
  throw new Error("it was not refused");
}

const told = {
  first: await walk(
    executeEmbeddedSignUpFlow,
    { flowType: "REGISTRATION" },
    (button) => ({ actionId: button.actionId }),
    "sasha@example.com",
  ),
  second: await walk(
    executeEmbeddedSignUpFlowV2,
    { applicationId: "shop", flowType: "REGISTRATION" },
    (button) => ({ action: button.id }),
    "alex@example.com",
  ),
  taken: await walk(
    executeEmbeddedSignUpFlowV2,
    { applicationId: "shop", flowType: "REGISTRATION" },
    (button) => ({ action: button.id }),
    "alex@example.com",
  ),
  refused: [await refusal(executeEmbeddedSignUpFlow), await refusal(executeEmbeddedSignUpFlowV2)],
};
console.log(JSON.stringify(told));
