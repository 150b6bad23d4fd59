/** The stores: conformance of both, and what only the one on disk promises. */
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { expect, test } from 'vitest'
import { randomFrom } from '../../protocol/core/random.ts'
import { sealedPrefixes } from '../../protocol/core/row.ts'
import { byteEncodings, memoryStore, openStore } from '../../protocol/shell/store.ts'
import { storeConformance } from '../conformance/store.ts'
import { temporaryDirectory } from '../support/host.ts'
import type { ByteLevel, StoreOptions } from '../../protocol/shell/store.ts'
import type { Store } from '../../protocol/shell/ports.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const all = {
  type: 'range',
  range: { from: bytes(0), to: bytes(0x80), limit: 1_000, reverse: false },
} as const
const random = randomFrom(length => new Uint8Array(randomBytes(length)))
const dataKey = new Uint8Array(32).fill(3)
const levelAt = (path: string): ByteLevel => new Level(path, byteEncodings)
const openAt = (path: string, options: Partial<StoreOptions> = {}): Promise<Store> =>
  openStore({
    cipher: { dataKey, random },
    sealedPrefixes,
    ...options,
    level: options.level ?? levelAt(path),
  })

storeConformance('memory', () => {
  const first = memoryStore()
  return Promise.resolve({
    store: first,
    reopen: async () => {
      const rows = await first.read(all)
      await first.close()
      return memoryStore(rows)
    },
    remove: () => Promise.resolve(),
  })
})

storeConformance('level', async () => {
  const directory = await temporaryDirectory('petrel-store')
  const store = await openAt(directory.path)
  return {
    store,
    reopen: async () => {
      await store.close()
      return openAt(directory.path)
    },
    remove: async () => {
      await store.close()
      await directory.remove()
    },
  }
})

const inDirectory = async (body: (path: string) => Promise<void>): Promise<void> => {
  const directory = await temporaryDirectory('petrel-store')
  try {
    await body(directory.path)
  } finally {
    await directory.remove()
  }
}

const secret = new TextEncoder().encode('the secret of the whole group')

test('a sealed value is nowhere on disk in clear, an unsealed one is', () =>
  inDirectory(async path => {
    const store = await openAt(path)
    await store.write([
      { key: bytes(0x01, 1), value: secret },
      { key: bytes(0x20, 1), value: new TextEncoder().encode('plain as day') },
    ])
    await store.close()
    const files = await readdir(path)
    const contents = await Promise.all(files.map(file => readFile(join(path, file), 'latin1')))
    expect(contents.join()).not.toContain('the secret of the whole group')
    expect(contents.join()).toContain('plain as day')
  }))

test('one secret sealed twice never looks the same', () =>
  inDirectory(async path => {
    const store = await openAt(path)
    await store.write([{ key: bytes(0x01), value: secret }])
    await store.close()
    const read = async (): Promise<Uint8Array | undefined> => {
      const level = levelAt(path)
      const value = await level.get(bytes(0x01))
      await level.close()
      return value
    }
    const first = await read()
    const again = await openAt(path)
    await again.write([{ key: bytes(0x01), value: secret }])
    await again.close()
    expect(await read()).not.toEqual(first)
  }))

test('another key, a moved row and a changed bit are all named', () =>
  inDirectory(async path => {
    const store = await openAt(path)
    await store.write([{ key: bytes(0x01, 1), value: secret }])
    await store.close()
    const other = await openAt(path, {
      cipher: { dataKey: new Uint8Array(32).fill(4), random },
    })
    await expect(other.read(all)).rejects.toMatchObject({ code: 'store-key-wrong' })
    await other.close()
    const level = levelAt(path)
    const value = await level.get(bytes(0x01, 1))
    await level.put(bytes(0x01, 2), value)
    await level.close()
    const moved = await openAt(path)
    await expect(moved.read(all)).rejects.toMatchObject({ code: 'store-key-wrong' })
    await moved.close()
  }))

test('a store of a newer version is refused by name', () =>
  inDirectory(async path => {
    const level = levelAt(path)
    await level.put(Uint8Array.of(0x80, ...new TextEncoder().encode('schema')), bytes(200))
    await level.close()
    await expect(openAt(path)).rejects.toMatchObject({ code: 'store-newer' })
  }))

/** A level whose next batches fail as on a full disk, and which stays broken until it is opened again. */
const fullDisk = (
  level: ByteLevel,
): { fill: () => void; free: () => void; opened: () => number } => {
  let isFull = false
  let isBroken = false
  let opened = 0
  const batch = level.batch.bind(level)
  const open = level.open.bind(level)
  const replaced = {
    batch: (...given: Parameters<typeof batch>) => {
      if (isFull) isBroken = true
      if (isBroken) return Promise.reject(new Error('IO error: No space left on device'))
      return batch(...given)
    },
    open: () => {
      opened += 1
      isBroken = false
      return open()
    },
  }
  Object.assign(level, replaced)
  return {
    fill: () => {
      isFull = true
    },
    free: () => {
      isFull = false
    },
    opened: () => opened,
  }
}

/** A store on such a level, with a reserve that notes what becomes of it. */
const onFullDisk = async (path: string) => {
  const level = levelAt(path)
  const disk = fullDisk(level)
  const reserve: string[] = []
  let hasRoom = true
  const note = (word: string) => (): Promise<void> => {
    reserve.push(word)
    return Promise.resolve()
  }
  const store = await openAt(path, {
    level,
    reserve: {
      release: note('release'),
      restore: note('restore'),
      hasRoom: () => Promise.resolve(hasRoom),
    },
  })
  const setRoom = (room: boolean): void => {
    hasRoom = room
  }
  return { level, disk, reserve, store, setRoom }
}
const one = { key: bytes(0x30), value: bytes(1) }
const two = { key: bytes(0x31), value: bytes(2) }

test('after a full disk the reserve is given up, the database opened again, and nothing is lost', () =>
  inDirectory(async path => {
    const { disk, reserve, store } = await onFullDisk(path)
    await store.write([one])
    disk.fill()
    await expect(store.write([two])).rejects.toThrow('No space')
    expect(await store.read(all)).toContainEqual(one)
    expect(reserve).toEqual(['release'])
    await expect(store.write([two])).rejects.toThrow('No space')
    expect(reserve).toEqual(['release'])
    disk.free()
    await store.write([two])
    expect(reserve).toEqual(['release', 'restore'])
    expect(disk.opened()).toBe(3)
    expect(await store.read(all)).toContainEqual(two)
    await store.close()
  }))

test('without room to open it again the database stays open and reads on', () =>
  inDirectory(async path => {
    const { level, disk, store, setRoom } = await onFullDisk(path)
    await store.write([one])
    disk.fill()
    setRoom(false)
    for (let time = 0; time < 3; time++) {
      await expect(store.write([two])).rejects.toThrow('No space')
      expect(await store.read(all)).toContainEqual(one)
    }
    expect(disk.opened()).toBe(1)
    expect(level.status).toBe('open')
    disk.free()
    setRoom(true)
    await store.write([two])
    expect(await store.read(all)).toEqual(expect.arrayContaining([one, two]))
    await store.close()
  }))

test('a database that was closed from outside is opened again by the next reading', () =>
  inDirectory(async path => {
    const { level, store } = await onFullDisk(path)
    await store.write([one])
    await level.close()
    await expect(store.read(all)).rejects.toThrow()
    expect(await store.read(all)).toContainEqual(one)
    await store.close()
  }))

test('a database that does not open is repaired once', () =>
  inDirectory(async path => {
    const level = levelAt(path)
    await level.open()
    await level.close()
    const open = level.open.bind(level)
    let tries = 0
    Object.assign(level, {
      open: () => {
        tries += 1
        return tries === 1 ? Promise.reject(new Error('no meta-nextfile entry')) : open()
      },
    })
    const reasons: unknown[] = []
    const store = await openAt(path, {
      level,
      repair: reason => {
        reasons.push(reason)
        return Promise.resolve()
      },
    })
    expect(reasons).toHaveLength(1)
    await store.close()
  }))
