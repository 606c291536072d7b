/** JSON to be changed into what it must not be: of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Draft = Record<string, any>;
