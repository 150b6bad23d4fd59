/** A QR code in half-block characters, two rows of modules a line. Drawn dark on light whatever the colours of the terminal,
 *  because many phone cameras refuse an inverted code; without colour, light modules are the drawn ones. */
import { encodeQR } from 'qr'

const escape = '\u001b['

/** `ink`: colours may be used. Every line starts with `indent`. */
export const qrText = (
  text: string,
  ink: boolean,
  indent: string,
): { readonly text: string; readonly columns: number } => {
  const modules = encodeQR(text, 'raw', { ecc: 'low', border: 2 })
  const isDark = (row: number, column: number): boolean => modules[row]?.[column] ?? false
  const size = modules.length
  const lines: string[] = []
  for (let row = 0; row < size; row += 2) {
    let line = ''
    for (let column = 0; column < size; column++) {
      const upper = isDark(row, column)
      const lower = row + 1 < size ? isDark(row + 1, column) : false
      line += block(ink ? upper : !upper, ink ? lower : !lower)
    }
    lines.push(indent + (ink ? `${escape}30;107m${line}${escape}0m` : line))
  }
  return { text: lines.join('\n'), columns: size + indent.length }
}

const block = (upper: boolean, lower: boolean): string => {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
