/** Stands in for Node's Buffer in the web build. Only the store's encodings ask for it, to see whether a value is one;
 *  the browser has none, and the store speaks plain bytes. */
export const Buffer = { isBuffer: (): boolean => false }
