// `import()` of a module that is known only when it is run. A script that was given V8's code can't do that without a warning of Node's: the
// executable, a module itself, lends its own.

type Import = (url: string) => Promise<unknown>;

let lent: Import = (url) => import(url);

/** From now on modules are imported with this. */
export function lendImport(own: Import): void {
  lent = own;
}

/** Imports the module with this URL. */
export const importModule: Import = (url) => lent(url);
