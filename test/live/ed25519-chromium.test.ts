/** Chromium's own Ed25519, after the checks of the core, gives the verdict of the vectors on every case: a browser and a Node
 *  peer never disagree about an operation. */
import { expect, test } from 'vitest'
import { isWellFormedSignature } from '../../protocol/core/crypto.ts'
import { fromHex, readJudgedCases } from '../core/ed25519-cases.ts'
import { startBrowser } from '../support/browser.ts'

test('Chromium gives the verdict of the vectors on every signature', async () => {
  const cases = readJudgedCases()
  const browser = await startBrowser()
  try {
    // crypto.subtle exists in a secure context only; nothing is fetched.
    await browser.page.route('**/*', route =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>verdicts</title>' }),
    )
    await browser.page.goto('https://petrel.test/')
    const raw = await browser.page.evaluate(async given => {
      const bytes = (hex: string) =>
        Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
      const verdicts: boolean[] = []
      for (const { publicKey, message, signature } of given) {
        try {
          const key = await crypto.subtle.importKey('raw', bytes(publicKey), 'Ed25519', false, [
            'verify',
          ])
          const [r, m] = [bytes(signature), bytes(message)]
          verdicts.push(await crypto.subtle.verify('Ed25519', key, r, m))
        } catch {
          verdicts.push(false)
        }
      }
      return verdicts
    }, cases)
    const verdicts = cases.map(({ name, publicKey, signature }, index) => {
      const isWellFormed = isWellFormedSignature(fromHex(publicKey), fromHex(signature))
      return { name, valid: isWellFormed && raw[index] === true }
    })
    expect(verdicts).toEqual(cases.map(({ name, valid }) => ({ name, valid })))
    expect(verdicts.filter(({ valid }) => valid).length).toBeGreaterThanOrEqual(40)
    expect(browser.errors()).toEqual([])
  } finally {
    await browser.close()
  }
})
