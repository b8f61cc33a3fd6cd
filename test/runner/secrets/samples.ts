// Texts with a secret in them, and texts without, to measure the redactor by. The formats of keys are those that the rule sets of secret
// scanners know; every key is made up here, from a seed, so that none is anybody's.

/** A text, and the secret that must not be left in it. */
export interface Sample {
  readonly rule: string;
  readonly text: string;
  readonly secret: string;
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const ALPHABETS: Readonly<Record<string, string>> = {
  a: LOWER + UPPER + DIGITS,
  b: `${LOWER + UPPER + DIGITS}+/`,
  d: DIGITS,
  h: '0123456789abcdef',
  l: LOWER + DIGITS,
  u: UPPER + DIGITS,
  w: `${LOWER + UPPER + DIGITS}_-`,
};

/** `ghp_{a36}`: a beginning, and how many characters of which alphabet follow. */
function make(pattern: string, random: () => number): string {
  const pick = (alphabet: string) => alphabet[Math.floor(random() * alphabet.length)] ?? '';
  return pattern.replace(/\{([a-z])(\d+)\}/g, (_, kind: string, count: string) => {
    const drawn = Array.from({ length: Number(count) }, () => pick(ALPHABETS[kind] ?? ''));
    // Chance may draw sixteen letters in a row; no maker's generator is asked to, but then its key has no form either.
    if (drawn.length >= 16 && !/\d/.test(drawn.join(''))) drawn[3] = '7';
    return drawn.join('');
  });
}

/** Keys that are known by their form, by the name of the rule. */
const FORMATS: Readonly<Record<string, string>> = {
  'adafruit-api-key': 'aio_{a28}',
  'age-secret-key': 'AGE-SECRET-KEY-1{u58}',
  'airtable-pat': 'pat{a14}.{h64}',
  'alibaba-access-key-id': 'LTAI{a20}',
  'anthropic-api-key': 'sk-ant-api03-{w93}AA',
  'artifactory-api-key': 'AKCp8{a68}',
  'atlassian-api-token': 'ATATT3x{w186}',
  'aws-access-token': 'AKIA{u16}',
  'aws-session-key-id': 'ASIA{u16}',
  'azure-ad-client-secret': '{a3}8Q~{w34}',
  'buildkite-token': 'bkua_{h40}',
  'circleci-token': 'CCIPAT_{a22}_{h40}',
  'clojars-api-token': 'CLOJARS_{l60}',
  'contentful-token': 'CFPAT-{w43}',
  'databricks-api-token': 'dapi{h32}',
  'digitalocean-pat': 'dop_v1_{h64}',
  'digitalocean-refresh-token': 'dor_v1_{h64}',
  'discord-bot-token': 'MTA{a21}.{w6}.{w38}',
  'docker-pat': 'dckr_pat_{w27}',
  'doppler-api-token': 'dp.pt.{a43}',
  'duffel-api-token': 'duffel_live_{w43}',
  'dynatrace-api-token': 'dt0c01.{u24}.{u64}',
  'easypost-api-token': 'EZAK{a54}',
  'figma-pat': 'figd_{w40}',
  'flutterwave-secret-key': 'FLWSECK_TEST-{h32}-X',
  'flyio-access-token': 'fo1_{w43}',
  'gcp-api-key': 'AIza{w35}',
  'gcp-oauth-client-secret': 'GOCSPX-{w28}',
  'gcp-oauth-token': 'ya29.{w120}',
  'github-app-token': 'ghs_{a36}',
  'github-fine-grained-pat': 'github_pat_{a22}_{a59}',
  'github-oauth': 'gho_{a36}',
  'github-pat': 'ghp_{a36}',
  'gitlab-pat': 'glpat-{w20}',
  'gitlab-runner-token': 'glrt-{w20}',
  'grafana-cloud-api-token': 'glc_{b60}',
  'grafana-service-account-token': 'glsa_{a32}_{h8}',
  'groq-api-key': 'gsk_{a52}',
  'heroku-api-key': 'HRKU-{w60}',
  'huggingface-access-token': 'hf_{a34}',
  'infracost-api-token': 'ico-{a32}',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{a30}.{w43}',
  'langsmith-key': 'lsv2_pt_{h32}_{h10}',
  'linear-api-key': 'lin_api_{a40}',
  'mailchimp-api-key': '{h32}-us19',
  'mailgun-private-api-token': 'key-{h32}',
  'netlify-token': 'nfp_{a36}',
  'new-relic-user-api-key': 'NRAK-{u27}',
  'notion-token': 'ntn_{a46}',
  'npm-access-token': 'npm_{a36}',
  'okta-free-1password-service-token': 'ops_eyJ{a250}',
  'openai-api-key': 'sk-proj-{w74}T3BlbkFJ{w74}',
  'planetscale-password': 'pscale_pw_{w43}',
  'postman-api-token': 'PMAK-{h24}-{h34}',
  'prefect-api-token': 'pnu_{l36}',
  'private-key': `-----BEGIN ${'RSA PRIVATE'} KEY-----\nMIIEow{b64}\n{b64}\n-----END RSA PRIVATE KEY-----`,
  'pulumi-api-token': 'pul-{h40}',
  'pypi-upload-token': 'pypi-AgEIcHlwaS5vcmc{w60}',
  'readme-api-token': 'rdme_{l70}',
  'replicate-token': 'r8_{a37}',
  'rubygems-api-token': 'rubygems_{h48}',
  'sendgrid-api-token': 'SG.{w22}.{w43}',
  'sendinblue-api-token': 'xkeysib-{h64}-{a16}',
  'sentry-user-token': 'sntryu_{h64}',
  'shippo-api-token': 'shippo_live_{h40}',
  'shopify-access-token': 'shpat_{h32}',
  'slack-app-token': 'xapp-1-A{u10}-{d13}-{h64}',
  'slack-bot-token': 'xoxb-{d12}-{d12}-{a24}',
  'slack-user-token': 'xoxp-{d12}-{d12}-{d12}-{h32}',
  'sonar-token': 'sqp_{h40}',
  'square-access-token': 'sq0atp-{w22}',
  'stripe-access-token': 'sk_live_{a24}',
  'stripe-restricted-key': 'rk_live_{a99}',
  'stripe-webhook-secret': 'whsec_{a32}',
  'supabase-token': 'sbp_{h40}',
  'tailscale-key': 'tskey-auth-{a12}-{a32}',
  'telegram-bot-api-token': '{d9}:AA{w33}',
  'terraform-cloud-token': '{a14}.atlasv1.{w64}',
  'twilio-api-key': 'SK{h32}',
  'typeform-api-token': 'tfp_{w44}_{a14}',
  'vault-service-token': 'hvs.{w90}',
  'xai-key': 'xai-{a80}',
};

/** Where such a key may stand without anything that says what it is. */
const BARE: readonly ((secret: string) => string)[] = [
  (secret) => `the server refused ${secret}, and so did the proxy`,
  (secret) => `${secret}`,
  (secret) => JSON.stringify({ value: secret }),
  (secret) => `GET /v1/items?limit=10&k=${secret}&x=1 401`,
  (secret) => `curl -H 'X-Thing: ${secret}' https://example.org`,
  (secret) => `args: ['${secret}']`,
  (secret) => `failed (${secret}).`,
];

/** Names of secrets, as programs and people write them. */
export const SECRET_NAMES = [
  'password',
  'passwd',
  'db_password',
  'dbPassword',
  'DB_PASS',
  'PGPASSWORD',
  'MYSQL_PWD',
  'userPassword',
  'passphrase',
  'secret',
  'client_secret',
  'clientSecret',
  'APP_SECRET',
  'SECRET_KEY_BASE',
  'secret_key',
  'AWS_SECRET_ACCESS_KEY',
  'token',
  'access_token',
  'accessToken',
  'refresh_token',
  'id_token',
  'API_TOKEN',
  'X-Auth-Token',
  'X-Vault-Token',
  'NPM_TOKEN',
  'api_key',
  'apiKey',
  'apikey',
  'API-KEY',
  'X-Api-Key',
  'STRIPE_KEY',
  'SENDGRID_KEY',
  'GITHUB_PAT',
  'private_key',
  'signingKey',
  'encryption_key',
  'AccountKey',
  'SharedAccessKey',
  'credentials',
  'SENTRY_DSN',
  'connectionString',
  'cookie',
  'webhook_url',
  'otp',
  'PassWord',
  'mot_de_passe',
  'client-key-data',
];

/** Ways to write a name and its value. */
const SETTINGS: readonly ((name: string, secret: string) => string)[] = [
  (name, secret) => JSON.stringify({ user: 'ada', [name]: secret, rows: 3 }),
  (name, secret) => JSON.stringify({ body: JSON.stringify({ [name]: secret, ok: true }) }),
  (name, secret) => JSON.stringify({ [name]: secret }, null, 2),
  (name, secret) => `${name}=${secret}`,
  (name, secret) => `${name}="${secret}" node job.js`,
  (name, secret) => `export ${name}='${secret}'`,
  (name, secret) => `host=db user=app ${name}=${secret} dbname=app`,
  (name, secret) => `Server=db;${name}=${secret};Timeout=30`,
  (name, secret) => `https://example.org/cb?state=1&${name}=${secret}&x=2`,
  (name, secret) => `grant_type=password&${name}=${secret}`,
  (name, secret) => `${name}: ${secret}`,
  (name, secret) => `settings:\n  user: ada\n  ${name}: ${secret}\n  rows: 3`,
  (name, secret) => `POST / HTTP/1.1\r\nHost: a\r\n${name}: ${secret}\r\n\r\n`,
  (name, secret) => `{ user: 'ada', ${/\W/.test(name) ? `'${name}'` : name}: '${secret}' }`,
  (name, secret) => `refused: --${name.replaceAll('_', '-')} ${secret}`,
  (name, secret) => `--${name}=${secret}`,
  (name, secret) => `<${name}>${secret}</${name}>`,
  (name, secret) => `const ${name.replaceAll('-', '_')} = "${secret}";`,
  (name, secret) => `${name} => "${secret}"`,
  (name, secret) => `data:\n  ${name}: |\n    ${secret}\n  rows: 3`,
  (name, secret) => `${name}: >-\n    first line\n\n    ${secret}\nrows: 3`,
  (name, secret) => `{"${name}":\n          "${secret}"}`,
  (name, secret) => `${name} = ""${`"${secret}"`}""`,
  (name, secret) =>
    JSON.stringify([
      { name, value: secret },
      { name: 'ROWS', value: '3' },
    ]),
  (name, secret) => JSON.stringify(JSON.stringify({ env: [{ name, value: secret }] }, null, 2)),
  (name, secret) => `env:\n  - name: ${name}\n    value: ${secret}\n  - name: ROWS\n    value: "3"`,
  (name, secret) => `Key (user_id, ${name})=(7, ${secret}) already exists.`,
];

/** What has a place of its own, and neither name nor form. */
const PLACES: Readonly<Record<string, (secret: string) => string>> = {
  'url password': (secret) => `postgres://app:${secret}@db:5432/app is down`,
  'url password with a slash': (secret) => `postgres://app:Hunter@${secret}/More9@host:5432/app`,
  'url password with a question mark': (secret) => `amqp://app:wh?t${secret}@mq/vhost`,
  'url password of two urls': (secret) => `amqps://u:${secret}@a:5671/v,amqps://u:${secret}@b:5671/v`,
  'url token as user': (secret) => `https://${secret}@github.com/acme/app.git`,
  'url user and no password': (secret) => `https://${secret}:@api.stripe.com/v1`,
  bearer: (secret) => `Authorization: Bearer ${secret}`,
  'bearer in lower case': (secret) => `authorization: bearer ${secret}`,
  'bearer alone': (secret) => `sent bearer ${secret} to the API`,
  'token scheme': (secret) => `{"authorization":"token ${secret}"}`,
  'bot scheme': (secret) => `authorization: Bot ${secret}`,
  cookie: (secret) => `Cookie: theme=dark; sid=${secret}`,
  'set-cookie': (secret) => `set-cookie: sid=${secret}; Path=/; HttpOnly`,
  'curl user': (secret) => `curl -u ada:${secret} https://example.org`,
  'sql password': (secret) => `ALTER ROLE app PASSWORD '${secret}'`,
  'sql password in dollars': (secret) => `ALTER ROLE app PASSWORD $x$${secret}$x$ VALID UNTIL 'infinity'`,
  'sql identified with': (secret) => `CREATE USER app IDENTIFIED WITH caching_sha2_password BY '${secret}'`,
  'mysql option': (secret) => `Command failed: mysqldump --single-transaction -u root -p${secret} orders`,
  'sshpass option': (secret) => `sshpass -p ${secret} ssh ada@host`,
  'redis-cli option': (secret) => `redis-cli -h cache -a ${secret} ping`,
  'slack webhook': (secret) => `https://hooks.slack.com/services/T0000/B0000/${secret}`,
  'discord webhook': (secret) => `POST https://discord.com/api/webhooks/1/${secret} 404`,
  'teams webhook': (secret) => `https://acme.webhook.office.com/webhookb2/${secret}@x/IncomingWebhook/y/z`,
  'telegram url': (secret) => `https://api.telegram.org/bot${secret}/sendMessage`,
  'azure signature': (secret) => `https://acme.blob.core.windows.net/c/b?sv=2024&sig=${secret}`,
  'aws signature': (secret) => `https://b.s3.amazonaws.com/k?X-Amz-Signature=${secret}`,
};

/** Texts with a secret, so many of each kind. */
export function secretSamples(rounds: number, seed = 20_261_126): Sample[] {
  const random = seeded(seed);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [rule, pattern] of Object.entries(FORMATS)) {
      for (const put of BARE) {
        const secret = make(pattern, random);
        // A key of several lines is escaped where it stands in JSON.
        const body = rule === 'private-key' ? (secret.split('\n')[1] ?? '') : secret;
        samples.push({ rule, text: put(secret), secret: body });
      }
    }
    for (const name of SECRET_NAMES) {
      for (const put of SETTINGS) {
        const secret = make('{a11}-{a9}', random);
        samples.push({ rule: `name ${name}`, text: put(name, secret), secret });
      }
    }
    for (const [rule, put] of Object.entries(PLACES)) {
      const secret = make('{a24}', random);
      samples.push({ rule, text: put(secret), secret });
    }
  }
  return samples;
}

/** Secrets that a run knows, with all that makes them hard to find again once they are written down. */
export const KNOWN_SECRETS = [
  'correct-horse-battery',
  'hunter2"Kq81zz',
  "it's-a-secret",
  'back\\slash\\es',
  'p@ss/w:rd?#[]',
  'käse-füße-größe',
  'пароль-длинный',
  'emoji-🔑-key-🔒',
  'a b  c\td',
  'line1\nline2-secret',
  '<tag>&"both\'',
  '100%sure+plus&more',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  '$(HOME)`x`${y}',
  'QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
  'aaaaaaaaaaaaaaaa',
  'secretword',
  '73619284',
];

/** Every way in which a known secret is written or encoded. */
export const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => `before ${secret} after`,
  JSON: (secret) => JSON.stringify({ a: secret }),
  'JSON in JSON': (secret) => JSON.stringify({ a: JSON.stringify([secret]) }),
  'JSON as a key': (secret) => JSON.stringify({ [secret]: 1 }),
  'URI component': (secret) => `https://example.org/?q=${encodeURIComponent(secret)}`,
  'URI component, in lower case': (secret) =>
    encodeURIComponent(secret).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
  form: (secret) => new URLSearchParams({ q: secret }).toString(),
  'base 64': (secret) => Buffer.from(secret).toString('base64'),
  'base 64 of login': (secret) => Buffer.from(`ada:${secret}`).toString('base64'),
  'base 64 in the middle': (secret) => Buffer.from(`{"a":"${secret}","b":1}`).toString('base64'),
  'base 64 for URLs': (secret) => Buffer.from(`x${secret}y`).toString('base64url'),
  'base 16': (secret) => Buffer.from(secret).toString('hex'),
  'base 16 in upper case': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  HTML: (secret) =>
    secret.replace(/[&<>"']/g, (character) =>
      character === '&'
        ? '&amp;'
        : character === '<'
          ? '&lt;'
          : character === '>'
            ? '&gt;'
            : character === '"'
              ? '&quot;'
              : '&#39;',
    ),
  SQL: (secret) => `SELECT '${secret.replaceAll("'", "''")}'`,
  shell: (secret) => `echo '${secret.replaceAll("'", `'\\''`)}'`,
  decomposed: (secret) => secret.normalize('NFD'),
};

/** Sentences, results, errors and settings without a secret. */
export const HARMLESS: readonly string[] = [
  'Basic authentication failed for user ada',
  'Bearer certificates are not supported',
  'the bearer of this letter',
  'password authentication failed for user "postgres"',
  'The server requested SCRAM-SHA-256, and the client gave no password',
  'Invalid token: expired',
  'token: must be a string, and is a number',
  'Unexpected token } in JSON at position 17',
  'SyntaxError: Unexpected token: punc ())',
  'parameter password must be a string, and is a number',
  'secret: not found',
  'secrets "run-job-env" not found',
  'Secret run-job-env has no key DATABASE_URL',
  'the cookie: a small file',
  'password: required',
  'password is missing; set PGPASSWORD',
  'nextPageToken=CAUQAA&pageSize=100',
  '{"nextPageToken":"CAUQAhoMCNiVv7cGEMD4iqgB","items":3}',
  '{"next_page_token":"eyJvZmZzZXQiOjEwMH0=","done":false}',
  '{"continuationToken":"1!48!MDAwMDIxIWJsb2I-"}',
  '{"tokens":1234,"prompt_tokens":200,"completionTokens":17,"maxTokens":4096}',
  '{"tables":{"public.auth_tokens":{"deleted":3},"public.password_resets":{"deleted":0}}}',
  '{"primaryKey":"order_id","partition_key":"2024-11-26","cacheKey":"users:42:profile:v2abcdef01"}',
  '{"idempotencyKey":"3f2b8c1e-7d64-4b0a-9b1e-2f6f0c9d1a77"}',
  '{"passwordChanged":true,"hasToken":false,"secretName":"run-job-env","tokenType":"Bearer"}',
  '{"passwordFile":"/run/secrets/db","keyFile":"/etc/tls/tls.key","tokenUrl":"https://example.org/token"}',
  '{"key":"uploads/2024/11/report-20241126.csv"}',
  '{"pass":12,"fail":3}',
  'tests: pass: 12, fail: 3',
  'GRANT SELECT ON ALL TABLES IN SCHEMA public TO postgres',
  'GRANT USAGE ON SCHEMA run_job TO app; the role needs INSERT on run_job.runs',
  'postgres://db:5432/app is down',
  'postgres://postgres@db:5432/postgres is down',
  'postgres://user:password@host:5432/database',
  'amqp://user:password@host:5672/vhost',
  'https://github.com/acme/app/blob/main/@types/index.d.ts#L3',
  'http://localhost:8080/users/ada@example.org',
  'https://example.org/search?q=ada@example.org&page=2',
  'https://registry.npmjs.org/@opentelemetry/api',
  'ada@example.org wrote to bob@example.org',
  'connect ECONNREFUSED 10.0.0.5:5432',
  'at async Object.run (file:///app/jobs/send_invoices.ts:42:13)',
  'at Client._handleErrorMessage (/app/node_modules/pg/lib/client.js:345:19)',
  'const token = await getToken(signal)',
  'const { password, ...rest } = user;',
  'if (token === undefined) return;',
  "where token = $1 and key = 'a'",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  'password = ${PASSWORD}',
  'PASSWORD: $(cat /run/secrets/db)',
  'password: ********',
  'token=<your token>',
  'token: string; secret?: string | undefined',
  'interface Login { password: string }',
  '(password: string, token: number) => void',
  '01938c3e-7b1a-7c3e-9b1a-0123456789ab',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  '{"digest":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","etag":"\\"33a64df551425fcc55e4d42a148795d9f25f89d4\\""}',
  'image ghcr.io/acme/run-job@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'pod run-job-cleanup-29384756-x7k2p was evicted',
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A is a public key',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'sk-learn and task-runner-9 are packages; re_match and rnd_seed are names',
  'the key is under the mat, and the token ring is broken',
  'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
  'author: Ada Lovelace, authority: self, authored: 3',
  'compass: north, bypass: true, passenger: ada, keyboard: dvorak',
  'Keep-Alive: timeout=5; Content-Type: application/json',
  'such as https://hooks.slack.com/services/<path>, or https://discord.com/api/webhooks/<id>',
  'send it as Authorization: Bearer …',
  'put it into a Secret: whoever knows it can check in, and without secrets: those stay',
  'mysqldump -u root -p orders: Access denied for user root',
  'mysql -u root -p$MYSQL_PWD orders',
  'mysql: [Warning] Using a password on the command line interface can be insecure.',
  '{"name":"ROWS","value":"30"}',
  '[{"name":"token","value":"expired"},{"name":"password","value":"required"}]',
  '- name: API_TOKEN\n  valueFrom:\n    secretKeyRef:\n      name: run-job-env',
  'Key (order_id, email)=(7, ada@example.org) already exists.',
  'Key (user_id)=(7) is not present in table "users".',
  'description: |\n  how a password is kept\n  and a token',
  '--param key=value --param retentionDays=30',
  '--params \'{"retentionDays":30}\'',
];
