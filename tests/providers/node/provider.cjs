// A provider for one client. Whoever signs in as `name` is called name@example.com; it has verified
// that, unless the name begins with `un`. It says when it is ready, with its issuer.
"use strict";

const { generateKeyPairSync } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createServer } = require("node:https");
const { default: Provider } = require("oidc-provider");

const { CERTIFICATE, KEY, PORT, KEY_ID, CLIENT_ID, CLIENT_SECRET, CALLBACK } = process.env;

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...privateKey.export({ format: "jwk" }), kid: KEY_ID, alg: "ES256", use: "sig" };
const server = createServer({ cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) });

server.listen(Number(PORT), "127.0.0.1", () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [CALLBACK],
        id_token_signed_response_alg: "ES256",
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ["of a test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        email: `${sub}@example.com`,
        email_verified: !sub.startsWith("un"),
        name: sub,
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
