/** The network chunk: the peer and what drives it. Everything here arrives after the shell is already of use. */
export { startWriter } from './writer.ts'
