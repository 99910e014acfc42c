// An OpenID provider for the tests: `node server.mjs`, with its client and its users as JSON on standard input.
// It prints its address as soon as it listens, and ends with its standard input.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const lines = process.stdin.setEncoding("utf8");
const { client, users } = await new Promise((resolve) => lines.once("data", (text) => resolve(JSON.parse(text))));
lines.on("end", () => process.exit());

const claimsOf = (id) => users[id].claims;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const signing = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "tests" };

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const address = `http://localhost:${server.address().port}`; // another site than the app's
  server.on("request", provider(address).callback());
  console.log(address);
});

function provider(address) {
  const made = new Provider(address, {
    clients: [{ ...client, token_endpoint_auth_method: "client_secret_basic" }],
    jwks: { keys: [signing] },
    cookies: { keys: ["only for tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: false, // claims go into the ID token, as they do at the providers that people use
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true, logoutSource } },
    ttl: {
      AccessToken: 60, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600,
      IdToken: (context) => users[context.oidc.account.accountId].seconds,
    },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_context, id) => users[id] && { accountId: id, claims: async () => ({ sub: id, ...claimsOf(id) }) },
    loadExistingGrant,
  });
  made.use(interaction(made));
  return made;
}

// Nobody is asked whether the app may know them.
async function loadExistingGrant({ oidc }) {
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope("openid email profile");
  await grant.save();
  return grant;
}

// Asks for a name, and believes it.
const interaction = (made) => async (context, next) => {
  if (!context.path.startsWith("/sign-in/")) return next();
  if (context.method === "POST") {
    let body = "";
    for await (const chunk of context.req) body += chunk;
    const accountId = new URLSearchParams(body).get("name");
    context.respond = false;
    return made.interactionFinished(context.req, context.res, { login: { accountId } });
  }
  context.type = "html";
  context.body = `<!doctype html><title>Provider</title><form method="post"><label>Name <input name="name" autofocus></label>
    <button>Continue</button></form>`;
};

// Nobody is asked whether they mean to sign out.
function logoutSource(context, form) {
  context.body = `<!doctype html><title>Provider</title>${form}<script>
    const answer = document.createElement("input");
    Object.assign(answer, { type: "hidden", name: "logout", value: "yes" });
    document.forms[0].append(answer);
    document.forms[0].submit();</script>`;
}
