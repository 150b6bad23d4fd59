/** Reads a stream no faster than its frames are dealt with. While too many wait, the stream is paused; its window then
 *  closes, and the neighbour waits instead of our memory. */
import { bounds } from './bounds.ts'
import type { Stream } from '@libp2p/interface'

export type Brake = {
  /** A frame of so many bytes waits from now on, until the returned function is called. */
  readonly waits: (bytes: number) => () => void
}

export const createBrake = (stream: Stream): Brake => {
  let waiting = 0
  return {
    waits: bytes => {
      const cost = Math.max(bytes, bounds.unreadFrameBytesMin)
      waiting += cost
      if (waiting > bounds.unreadBytesMax && stream.readStatus === 'readable') stream.pause()
      let isTaken = false
      return () => {
        if (isTaken) return
        isTaken = true
        waiting -= cost
        const isLow = waiting <= bounds.unreadBytesMax / 2
        if (isLow && stream.readStatus === 'paused') stream.resume()
      }
    },
  }
}
