// Names as services have them in URLs.

/** What a service may have: small letters, digits, dashes and underscores, and not digits alone. */
const SLUG = /^(?!\d+$)[a-z0-9_-]+$/;

/** How names that had to be changed end, so that no name that wasn't is taken for one. */
const HASHED = /-[0-9a-f]{10}$/;

/** The shortest limit that a service has: Sentry has cut longer ones without a word. */
const LONGEST = 50;

/** A name as it stands where it fits, else one made of it that no other name has; always the same for the same name. */
export function slugOf(name: string): string {
  if (name.length <= LONGEST && SLUG.test(name) && !HASHED.test(name)) return name;
  const digest = process.getBuiltinModule('node:crypto').hash('sha256', name, 'hex').slice(0, 10);
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, LONGEST - 11);
  return `${readable}-${digest}`;
}
