/** Asks the browser to keep this program (worker/worker.ts), where it may: on secure pages that a node serves. */
import { programFingerprint } from '../ui/program.ts'

/** Not among TypeScript's own declarations. The value is no string to the browser, only to whoever passes it on. */
declare const trustedTypes:
  | {
      readonly createPolicy: (
        name: string,
        rules: { readonly createScriptURL: (url: string) => string },
      ) => { readonly createScriptURL: (url: string) => string }
    }
  | undefined

const trusted = (url: string): string =>
  typeof trustedTypes === 'undefined'
    ? url
    : trustedTypes
        .createPolicy('petrel-worker', { createScriptURL: () => url })
        .createScriptURL(url)

/** Resolves with true when the program is kept, which may be long after. */
export const keepProgram = async (): Promise<boolean> => {
  if (!('serviceWorker' in navigator) || !location.protocol.startsWith('http')) return false
  // as long as this page lives, the worker keeps the files of its version, whatever newer one comes
  void navigator.locks.request(
    `petrel ${programFingerprint()}`,
    { mode: 'shared' },
    () => new Promise(() => undefined),
  )
  const url = new URL('./worker.js', document.baseURI).href
  await navigator.serviceWorker.register(trusted(url), { updateViaCache: 'none' })
  await navigator.serviceWorker.ready
  return true
}
