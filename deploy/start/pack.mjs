// What `npm pack` and `npm publish` start: makes the clone ready, so that the package holds what it promises.
import { prepare } from './prepare.mjs';

await prepare();
