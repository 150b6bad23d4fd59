/** Where a store stands: whatever copies, restores or moves its files is noticed at the next opening, and nothing that leaves
 *  them where they are is. Real files and real tools. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, test } from 'vitest'
import { type Place, openPlace } from '../../node/place.ts'
import { randomFrom } from '../../protocol/core/random.ts'
import { byteEncodings, openStore } from '../../protocol/shell/store.ts'
import { temporaryDirectory } from '../support/host.ts'
import type { Store } from '../../protocol/shell/ports.ts'

const random = randomFrom(length => crypto.getRandomValues(new Uint8Array(length)))
const dataKey = new Uint8Array(32).fill(5)
const wall = 1_790_000_000_000

type Opening = {
  readonly machine?: string
  /** How far the start gets: `cut` before the place is remembered, `halfway` once its new file is there. */
  readonly end?: 'settled' | 'cut' | 'halfway'
  /** What the peer writes in this life. */
  readonly row?: string
}

const withStore = async <T>(data: string, use: (store: Store) => Promise<T>): Promise<T> => {
  const store = await openStore({
    level: new Level(join(data, 'store'), byteEncodings),
    cipher: { dataKey, random },
    sealedPrefixes: [],
  })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** One life of a peer over this directory. */
const live = (data: string, opening: Opening = {}): Promise<Place> =>
  withStore(data, async store => {
    const { end = 'settled', machine = 'this one' } = opening
    const writable: Store =
      end === 'halfway' ? { ...store, write: () => Promise.reject(new Error('power lost')) } : store
    const place = await openPlace(writable, data, wall, machine)
    const { row = 'a' } = opening
    await store.write([{ key: new TextEncoder().encode(`0${row}`), value: new Uint8Array(9) }])
    if (end !== 'cut') await place.settle().catch(() => undefined)
    return place
  })

const inDirectory = async (body: (root: string, data: string) => Promise<void>): Promise<void> => {
  const directory = await temporaryDirectory('petrel-place')
  try {
    execFileSync('mkdir', [join(directory.path, 'data')])
    await body(directory.path, join(directory.path, 'data'))
  } finally {
    await directory.remove()
  }
}

const run = (program: string, ...given: readonly string[]): void => {
  execFileSync(program, given, { stdio: 'pipe' })
}

describe('the same place', () => {
  const cases: Readonly<Record<string, (data: string, root: string) => Promise<string> | string>> =
    {
      'started again': data => data,
      'started ten times': async data => {
        for (let life = 0; life < 10; life++) await live(data)
        return data
      },
      'renamed on its file system': (data, root) => {
        renameSync(data, join(root, 'elsewhere'))
        return join(root, 'elsewhere')
      },
      'reached through a link': (data, root) => {
        symlinkSync(data, join(root, 'link'))
        return join(root, 'link')
      },
      'with another mode on the directories': data => {
        chmodSync(data, 0o755)
        chmodSync(join(data, 'place'), 0o755)
        return data
      },
      'after a start that was cut short': async data => {
        await live(data, { end: 'cut' })
        return data
      },
      'after starts that lost power with the new file made': async data => {
        for (let life = 0; life < 3; life++) await live(data, { end: 'halfway' })
        return data
      },
    }
  for (const [name, change] of Object.entries(cases)) {
    test(name, () =>
      inDirectory(async (root, data) => {
        await live(data)
        const place = await live(await change(data, root))
        expect(place).toMatchObject({ isMoved: false, movedAt: undefined })
      }),
    )
  }

  test('a first start that lost power at any point', () =>
    inDirectory(async (_, data) => {
      await live(data, { end: 'cut' })
      await live(data, { end: 'halfway' })
      expect(await live(data)).toMatchObject({ isMoved: false })
      expect(readdirSync(join(data, 'place'))).toHaveLength(1)
    }))

  test('a store of a version that knew no places', () =>
    inDirectory(async (_, data) => {
      await withStore(data, store =>
        store.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }]),
      )
      expect(await live(data)).toMatchObject({ isMoved: false })
    }))
})

describe('another place', () => {
  /** `backup` was taken after the second of four lives. */
  type Change = (paths: { data: string; backup: string; tar: string; root: string }) => string
  const cases: Readonly<Record<string, Change>> = {
    'a copy by cp -a': ({ data, root }) => {
      run('cp', '-a', data, join(root, 'copy'))
      return join(root, 'copy')
    },
    'a copy by cp that shares blocks where it can': ({ data, root }) => {
      run('cp', '-a', '--reflink=auto', data, join(root, 'copy'))
      return join(root, 'copy')
    },
    'a backup unpacked elsewhere': ({ tar, root }) => {
      run('mkdir', join(root, 'unpacked'))
      run('tar', '-C', join(root, 'unpacked'), '-xf', tar)
      return join(root, 'unpacked')
    },
    'a backup unpacked over the newer directory': ({ data, tar }) => {
      run('tar', '-C', data, '-xf', tar)
      return data
    },
    'a backup unpacked over it, files overwritten in place': ({ data, tar }) => {
      run('tar', '-C', data, '--overwrite', '-xf', tar)
      return data
    },
    'a backup copied over it': ({ data, backup }) => {
      run('cp', '-a', `${backup}/.`, data)
      return data
    },
    'a backup in its stead': ({ data, tar }) => {
      rmSync(data, { recursive: true })
      run('mkdir', data)
      run('tar', '-C', data, '-xf', tar)
      return data
    },
    'only the store of a backup put back': ({ data, backup }) => {
      rmSync(join(data, 'store'), { recursive: true })
      run('cp', '-a', join(backup, 'store'), data)
      return data
    },
    'the marks were thrown away': ({ data }) => {
      rmSync(join(data, 'place'), { recursive: true })
      return data
    },
  }
  for (const [name, change] of Object.entries(cases)) {
    test(name, () =>
      inDirectory(async (root, data) => {
        const paths = { data, root, backup: join(root, 'backup'), tar: join(root, 'backup.tar') }
        for (const row of ['a', 'b']) await live(data, { row })
        run('cp', '-a', data, paths.backup)
        run('tar', '-C', data, '-cf', paths.tar, '.')
        for (const row of ['c', 'd']) await live(data, { row })

        const place = change(paths)
        expect(await live(place)).toMatchObject({ isMoved: true, movedAt: wall })
        expect(await live(place)).toMatchObject({ isMoved: false, movedAt: wall })
      }),
    )
  }

  test('a backup of the life just before, unpacked over it', () =>
    inDirectory(async (root, data) => {
      await live(data)
      run('tar', '-C', data, '-cf', join(root, 'backup.tar'), '.')
      await live(data)
      run('tar', '-C', data, '-xf', join(root, 'backup.tar'))
      expect(await live(data)).toMatchObject({ isMoved: true })
    }))

  test('the same disk in another machine', () =>
    inDirectory(async (_, data) => {
      await live(data)
      expect(await live(data, { machine: 'another one' })).toMatchObject({ isMoved: true })
    }))

  test('is noticed again until the new logs are durable', () =>
    inDirectory(async (root, data) => {
      await live(data)
      run('cp', '-a', data, join(root, 'copy'))
      const copy = join(root, 'copy')
      expect(await live(copy, { end: 'cut' })).toMatchObject({ isMoved: true })
      expect(await live(copy, { end: 'halfway' })).toMatchObject({ isMoved: true })
      expect(await live(copy)).toMatchObject({ isMoved: true })
      expect(await live(copy)).toMatchObject({ isMoved: false })
    }))

  test('nothing else in the directory of marks matters', () =>
    inDirectory(async (_, data) => {
      await live(data)
      writeFileSync(join(data, 'place', 'notes.txt'), 'mine')
      expect(await live(data)).toMatchObject({ isMoved: false })
    }))
})
