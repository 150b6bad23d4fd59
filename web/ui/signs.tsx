/** Characters that show nothing and change what is beside them, made visible: controls, and those that turn the direction
 *  of a line (a file name that seems to end in .jpg). They stay in the text, so that what is copied is what was sent. */
import type { ComponentChild } from 'preact'

// oxlint-disable-next-line no-control-regex -- they are what it is about
const active = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/

/** C0 by their Unicode pictures, the others by number. */
const nameOf = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

export const withSigns = (text: string): ComponentChild =>
  active.test(text)
    ? Array.from(text, (character, index) =>
        active.test(character) ? (
          <span key={index} class="sign" data-sign={nameOf(character)}>
            {character}
          </span>
        ) : (
          character
        ),
      )
    : text
