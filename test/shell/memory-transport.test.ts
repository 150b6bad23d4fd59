/** The transport without sockets that other tests stand on keeps the same rules as the real one. */
import { peerId } from '../../protocol/core/base.ts'
import { transportConformance } from '../conformance/transport.ts'
import { listenTo } from '../live/mesh.ts'
import { memoryMesh } from '../support/memory-transport.ts'

transportConformance('memory', () => {
  const mesh = memoryMesh()
  const stops: (() => Promise<void>)[] = []
  return {
    start: count =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const transport = mesh.create(peerId(`peer ${index}`))
          stops.push(transport.stop)
          return { transport, ...(await listenTo(transport)) }
        }),
      ),
    stop: async () => {
      for (const stop of stops) await stop()
    },
  }
})
