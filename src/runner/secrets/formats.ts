// Keys and tokens that are known by their form alone, as their makers publish it.
import { looksOpaque } from './opaque.ts';

/** Beginnings that nothing but a key of this maker has; at least 16 more characters of a key follow. */
const BEGINNINGS = [
  // GitHub, GitLab, Bitbucket, Atlassian
  'gh[pousr]_',
  'github_pat_',
  'gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-',
  'ATATT3x',
  'ATBB',
  // Payments
  '[sr]k_(?:live|test|prod)_',
  'whsec_',
  'sq0[a-z]{3}-',
  'FLWSECK_(?:TEST-)?',
  'access_token\\$production\\$',
  'shp(?:at|ca|pa|ss)_',
  'EZ[AT]K',
  'shippo_(?:live|test)_',
  // Messages
  'xox[abeoprs]-',
  'xapp-\\d-',
  'SG\\.',
  'xkeysib-',
  'key-(?=[0-9a-f]{32})',
  're_(?=[A-Za-z0-9]{8}_)',
  // Clouds
  'AIza',
  'ya29\\.',
  'GOCSPX-',
  '(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{16}\\b)',
  'LTAI',
  'AKID',
  'do[opr]_v1_',
  'hv[sbr]\\.',
  'dapi(?=[0-9a-f]{32})',
  'dp\\.(?:pt|st|ct|sa|scim|audit)\\.',
  'pscale_(?:tkn|oauth|pw)_',
  'sbp_',
  'pul-',
  'tskey-[a-z]+-',
  'fo1_',
  'FlyV1 fm\\d_',
  'HRKU-',
  'nfp_',
  'rnd_',
  'CCIPAT_',
  'bk[ua]{2}_',
  'dckr_pat_',
  'AKCp\\d?',
  // Telemetry
  'glsa_',
  'glc_',
  'NR(?:AK|JS|II|BR)-',
  'dt0[a-z]\\d{2}\\.',
  'sntry[su]_',
  'sq[apu]_',
  'lsv2_(?:pt|sk)_',
  // Packages
  'npm_',
  'pypi-',
  'rubygems_',
  'CLOJARS_',
  // Models
  'sk-(?:ant-|proj-|svcacct-|or-v1-)?',
  'hf_',
  'gsk_',
  'xai-',
  'r8_',
  'pplx-',
  // Offices
  'lin_api_',
  'ntn_',
  'secret_(?=[A-Za-z0-9]{40})',
  'figd_',
  'PMAK-',
  'CFPAT-',
  'tfp_',
  'rdme_',
  'duffel_(?:live|test)_',
  'ico-',
  'ops_eyJ',
  'AGE-SECRET-KEY-1',
  'aio_',
  'pnu_',
];

/** The first two characters of all of these, for a look that costs less than the expression. */
const KEY_BEGINNINGS =
  'A3 AB AC AG AI AK AS AT CC CF CL EZ FL Fl GO HR LT NR PM SG ac ai bk da dc do dp dt du fi fm fo gh gi gl gs hf hv ic ke li ls nf np nt op pn pp ps pu py r8 rd re rk rn ru sb se sh sk sn sq tf ts wh xa xk xo ya';

const makePrefixed = () => new RegExp(`(?<![A-Za-z0-9])(?:${BEGINNINGS.join('|')})[\\w.=~+/-]{16,512}`, 'g');

/** Signed tokens (JWT), of Telegram's, Discord's, Mailchimp's, Twilio's and Azure's bots and apps, and Terraform's. */
const makeShaped = () =>
  new RegExp(
    [
      '(?<![\\w-])eyJ[\\w-]{8,4096}\\.eyJ[\\w-]{8,16384}\\.[\\w-]{0,4096}',
      '\\b\\d{8,10}:AA[\\w-]{32,34}',
      '\\b[MNO][\\w-]{23,27}\\.[\\w-]{6}\\.[\\w-]{27,38}\\b',
      '\\b[0-9a-f]{32}-us\\d{1,2}\\b',
      '\\bSK[0-9a-f]{32}\\b',
      '\\b\\w{3}\\dQ~[\\w.~-]{31,34}',
      '\\b[A-Za-z0-9]{14}\\.atlasv1\\.[\\w=-]{60,70}',
      '\\bpat[A-Za-z0-9]{14}\\.[0-9a-f]{64}\\b',
    ].join('|'),
    'g',
  );

let made: { readonly prefixed: RegExp; readonly shaped: RegExp } | undefined;

/** They are large, and most runs tell nothing that looks like a key. */
function expressions() {
  made ??= { prefixed: makePrefixed(), shaped: makeShaped() };
  return made;
}

/** Addresses that let whoever knows them in: what is behind the host is the secret. */
const WEBHOOK =
  /(https?:\/\/(?:hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)|(?:\w+\.)?discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks|[\w-]+\.webhook\.office\.com|outlook\.office(?:365)?\.com\/webhook|hooks\.zapier\.com\/hooks|hook\.[\w.]+make\.com|maker\.ifttt\.com\/trigger|api\.telegram\.org\/bot|chat\.googleapis\.com\/v1\/spaces|open\.feishu\.cn\/open-apis\/bot|[\w-]+\.logic\.azure\.com)\/?)(?!\/)[^\s"'`<>\\]{1,2048}/g;

const PEM =
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\S]){0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g;

/** 1 at each pair of characters that a maker's beginning begins with. */
const BEGIN_KEYS = new Uint8Array(128 * 128);
for (const pair of KEY_BEGINNINGS.split(' ')) BEGIN_KEYS[128 * pair.charCodeAt(0) + pair.charCodeAt(1)] = 1;

/** Whether a key may begin with these two ASCII characters. */
export function mayBeginKey(first: number, second: number): boolean {
  return BEGIN_KEYS[128 * first + second] === 1;
}

/** The shortest beginning and the shortest rest of a key; what is known by its shape is longer. */
const SHORTEST = 18;

/** Longer texts are looked through by the expression itself, which is compiled by then. */
const SHORT_TEXT = 512;

/**
 * Whether there may be a key in a text: never wrong when it says no. Most runs log nothing that looks like one, and need not compile the
 * expressions, which takes a millisecond.
 */
function mayHoldKey(text: string): boolean {
  if (text.length < SHORTEST) return false;
  if (text.length > SHORT_TEXT) return true;
  let dots = 0;
  let before = 0;
  for (let at = 0; at < text.length - 1; at += 1) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (code === DOT) dots += 1;
    if (code < 128 && next < 128 && !isAlphanumeric(before) && mayBeginKey(code, next) && isLong(text, at)) return true;
    before = code;
  }
  return (dots > 0 && text.length >= SHORTEST_DOTTED) || SHAPE_PARTS.some((part) => text.includes(part));
}

/** Whether so many characters of a key are in a row there. */
function isLong(text: string, start: number): boolean {
  if (text.startsWith(SPACED, start)) return true;
  if (start + SHORTEST > text.length) return false;
  for (let at = start; at < start + SHORTEST; at += 1) {
    const code = text.charCodeAt(at);
    if (!isAlphanumeric(code) && !IN_KEYS.includes(text.charAt(at))) return false;
  }
  return true;
}

/** Besides letters and digits. */
const IN_KEYS = '_.=~+/-';

/** The one beginning with a space in it. */
const SPACED = 'FlyV1 ';

const DOT = '.'.charCodeAt(0);

/** Discord's bots' and Airtable's tokens are known by nothing but their dots; they are at least this long. */
const SHORTEST_DOTTED = 59;

/** What each of the other shapes has in it. */
const SHAPE_PARTS = [':AA', '-us', 'SK', 'Q~', 'eyJ', '.atlasv1.'];

function isAlphanumeric(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** Replaces every key and token that is known by its form. */
export function hideFormats(text: string, redacted: string): string {
  let output = text;
  if (output.includes('PRIVATE KEY')) output = output.replace(PEM, redacted);
  if (output.includes('://')) output = output.replace(WEBHOOK, `$1${redacted}`);
  if (!mayHoldKey(output)) return output;
  const { prefixed, shaped } = expressions();
  return output.replace(prefixed, (key) => (isKey(key) ? redacted : key)).replace(shaped, redacted);
}

/** A beginning such as `re_` or `rnd_` may be that of a name: in a key, letters and digits are mixed. */
function isKey(text: string): boolean {
  const mixed = text.split(/[-_.]/).filter((part) => part.length >= 3 && /\d/.test(part) && /[A-Za-z]/.test(part));
  return looksOpaque(text) || mixed.length >= 2 || mixed.some(({ length }) => length >= 8);
}

/** Whether there is something that may be one of them, without replacing it. */
export function mayHoldFormat(text: string): boolean {
  const { prefixed, shaped } = expressions();
  prefixed.lastIndex = 0;
  shaped.lastIndex = 0;
  return prefixed.test(text) || shaped.test(text);
}
