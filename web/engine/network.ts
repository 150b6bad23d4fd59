/** The network chunk: the peer and what drives it. Everything here arrives after the shell is already of use. */
export { keepProgram } from './keep-program.ts'
export { startWriter } from './writer.ts'
