/** nabla's version; the same as in package.json. */
export const version = '0.1.0';
/** Version of the arithmetic (docs/numerics.md): changes when any result may change. */
export const numericsVersion = 1;
