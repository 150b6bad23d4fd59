/** The invite link: every token comes back through everything that mail, chat and paper do to links; nothing else does. */
import { expect, test } from 'vitest'
import { assert, nat, property, string, uint8Array } from 'fast-check'
import { inviteLink, parseInviteLink } from '../../protocol/shell/link.ts'

const origin = 'http://192.168.1.5:8080'
const tokens = uint8Array({ minLength: 1, maxLength: 150 })
const tokenOf = (text: string): number[] | string => {
  const parsed = parseInviteLink(text)
  return parsed.ok ? [...parsed.value] : parsed.error.type
}

test('every token comes back from its link and from its bare form', () => {
  assert(
    property(tokens, token => {
      const link = inviteLink(origin, token)
      expect(tokenOf(link)).toEqual([...token])
      expect(tokenOf(link.slice(link.indexOf('#')))).toEqual([...token])
      expect(tokenOf(link.slice(link.indexOf('=') + 1))).toEqual([...token])
    }),
  )
})

test('spaces, line breaks, quoting, percent signs and invisible marks do not damage a link', () => {
  assert(
    property(tokens, nat(), (token, at) => {
      const link = inviteLink(origin, token)
      const cut = at % link.length
      for (const clutter of [' ', '\r\n> ', '\n', '\u200b', '\u200f', '\u202e', '\u00ad', '\t']) {
        expect(tokenOf(link.slice(0, cut) + clutter + link.slice(cut))).toEqual([...token])
      }
      for (const wrapped of [
        `<${link}>`,
        `(${link}).`,
        `"${link}",`,
        `「${link}」。`,
        ` ${link}\n`,
      ]) {
        expect(tokenOf(wrapped)).toEqual([...token])
      }
      const once = encodeURIComponent(link)
      expect(tokenOf(once)).toEqual([...token])
      expect(tokenOf(encodeURIComponent(once))).toEqual([...token])
    }),
  )
})

test('what holds no token is named damaged', () => {
  const long = inviteLink(origin, new Uint8Array(151))
  const hostile = [
    '',
    ' ',
    '#j=',
    'j=',
    origin,
    `${origin}/#j=`,
    `${origin}/?x#k=AAAA`,
    'https://x',
  ]
  const broken = ['#j=AAAAA', '#j=AB', '#j=A+/A', '#j=AAé', '#j=%zz', '加入', 'javascript:alert(1)']
  for (const text of [...hostile, ...broken, long, 'A'.repeat(10_000), '%'.repeat(2_000)]) {
    expect(tokenOf(text)).toBe('invite-damaged')
  }
})

test('a link cut short, or with any letter or its case changed, is named damaged', () => {
  const link = inviteLink(
    origin,
    Uint8Array.from({ length: 90 }, (_, index) => index * 7),
  )
  const start = link.indexOf('=') + 1
  for (let at = start; at < link.length; at++) {
    expect(tokenOf(link.slice(0, at))).toBe('invite-damaged')
    const letter = link.charAt(at)
    const swapped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
    for (const other of [swapped, letter === 'x' ? 'y' : 'x', `${letter}${letter}`, '']) {
      if (other === letter) continue
      expect(tokenOf(link.slice(0, at) + other + link.slice(at + 1))).toBe('invite-damaged')
    }
  }
  expect(tokenOf(link.toLowerCase())).toBe('invite-damaged')
})

test('no text makes the parser throw', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 300 }), text => {
      expect(typeof parseInviteLink(text).ok).toBe('boolean')
    }),
  )
})
