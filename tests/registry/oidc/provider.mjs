// The OpenID Connect provider that tests sign in with: oidc-provider from the folder of the first argument, with its own login
// and consent pages, on a free port of 127.0.0.1. It prints its address when it listens.
//
// Clients: one per way to sign ID tokens, named after it; `basic` proves itself in a header instead of the body. The second
// argument is `plain` for a provider without an address to sign out at, and whose ID tokens have the claims of the user.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';

const [folder, variant] = process.argv.slice(2);
// What it has to say besides: nobody reads standard output after the address.
console.info = console.error;
const { Provider } = await import(createRequire(`${folder}/`).resolve('oidc-provider'));

const key = (type, alg, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg });
const algorithms = ['RS256', 'PS384', 'ES256', 'EdDSA', 'HS256', 'HS512'];
const client = (client_id, alg, method) => ({
  client_id,
  client_secret: 'a secret of more than sixty-four characters, as the longest of the HMACs wants it to be',
  redirect_uris: ['https://registry.example/callback'],
  id_token_signed_response_alg: alg,
  token_endpoint_auth_method: method,
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [...algorithms.map((alg) => client(alg, alg, 'client_secret_post')), client('basic', 'RS256', 'client_secret_basic')],
    jwks: {
      keys: [
        key('rsa', 'PS384', { modulusLength: 2048 }),
        key('rsa', 'RS256', { modulusLength: 2048 }),
        key('ec', 'ES256', { namedCurve: 'P-256' }),
        key('ed25519', 'EdDSA'),
      ],
    },
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    claims: { openid: ['sub'], email: ['email'], profile: ['login'] },
    scopes: ['openid', 'email', 'profile'],
    conformIdTokenClaims: variant !== 'plain',
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@people.example`, login: `the ${id}` }),
    }),
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: variant !== 'plain' } },
    ttl: { IdToken: 900 },
  });
  // The address of the registry is known only after it has started.
  provider.Client.prototype.redirectUriAllowed = (uri) => uri.endsWith('/nifi-registry-api/access/oidc/callback');
  provider.Client.prototype.postLogoutRedirectUriAllowed = (uri) => uri.endsWith('/nifi-registry');
  server.on('request', provider.callback());
  console.log(issuer);
});
