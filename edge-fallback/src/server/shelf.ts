import { isRefusal, type Library, type Quest, type Refusal, type Resource } from './resource.ts'

export interface ShelfOptions {
  readonly mounts: Readonly<Record<string, Library>>
  readonly rest: readonly Library[]
  readonly map: (url: URL) => string | null
}

/** All libraries as one: mounts by the longest path, then the rest in order until one has it. */
export function createShelf({ mounts, rest, map }: ShelfOptions): Library {
  const paths = Object.keys(mounts)
    .map(path => ({ path: path.replace(/\/*$/, '/'), library: mounts[path]! }))
    .sort((a, b) => b.path.length - a.path.length)
  return {
    async find(quest: Quest): Promise<Resource | Refusal> {
      const mapped = map(quest.url)
      const url = new URL(quest.url)
      if (mapped !== null) url.pathname = mapped
      const mount = paths.find(({ path }) => url.pathname.startsWith(path))
      if (mount) {
        url.pathname = url.pathname.slice(mount.path.length - 1)
        return mount.library.find({ ...quest, url })
      }
      let found: Resource | Refusal = { status: 404 }
      for (const library of rest) {
        found = await library.find({ ...quest, url })
        if (!isRefusal(found) || found.status !== 404) return found
      }
      return found
    },
  }
}

/**
 * For `map`: what a query parameter names lies in a folder of that name, so `/watch.m3u8?id=7` is `/7/watch.m3u8`.
 */
export function queryFolder(parameter: string): (url: URL) => string | null {
  return url => {
    const value = url.searchParams.get(parameter)
    if (value === null || !/^[\w-]{1,64}$/.test(value)) return null
    return url.pathname.replace(/[^/]*$/, name => `${value}/${name}`)
  }
}
