/** Stands in for libp2p's own name resolver in the web build: it would ask public servers, and the page's policy would stop
 *  it. Host names in addresses are the browser's business; addresses that only such a resolver could follow lead nowhere. */
export const RecordType = { TXT: 16 }

export const dns = () => ({
  query: (): Promise<never> => Promise.reject(new Error('a page asks no name server')),
})
