// Signs somebody up with the code of docs/how-to/call-from-a-client.md, then calls a server that
// refuses, and prints what it was told, as JSON.

const { EMAIL, FOLDER, MOODY_URL, PASSWORD, URL: url } = process.env;
const { Client, Refused } = await import(`${FOLDER}/gatehouse.ts`);
const { signUp } = await import(`${FOLDER}/app.ts`);

const left = [];
const device = { leave: async (to) => (left.push(to), {}) };
const assertion = await signUp(url, { email: EMAIL, password: PASSWORD }, device);
const moody = new Client(MOODY_URL);
const current = await moody.start({ flowType: "LOGIN" });
const refused = await moody.start({ flowType: "LOGIN" }).catch((error) => error);
console.log(
  JSON.stringify({
    assertion,
    left,
    current,
    refused: [refused instanceof Refused, refused.status, refused.code, refused.traceId],
  }),
);
