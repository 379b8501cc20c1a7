import { open, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { ByteRange } from '@nearcast/peer-core'
import { cacheControlOf, contentTypeOf } from './content-type.ts'
import type { Library, Resource } from './resource.ts'
import { safePath } from './safe-path.ts'

const chunkBytes = 65_536

/** Files below `root`. What lies outside of it is not there, symbolic links included. */
export function createDirectory(root: string): Library {
  const realRoot = realpath(root)
  // Whoever calls find() learns of it; unobserved it must not end the process.
  realRoot.catch(() => {})
  return {
    async find({ url }) {
      const names = safePath(url.pathname)
      if (!names) return { status: 400 }
      const base = await realRoot
      const index = url.pathname.endsWith('/') ? ['index.html'] : []
      const file = await realpath(join(base, ...names, ...index)).catch(() => null)
      if (!file?.startsWith(base + sep)) return { status: 404 }
      return (await fileResource(file)) ?? { status: 404 }
    },
  }
}

/** null when it is no regular file. */
export async function fileResource(file: string): Promise<Resource | null> {
  const info = await stat(file, { bigint: true }).catch(() => null)
  if (!info?.isFile()) return null
  const version = `${info.size.toString(16)}-${info.mtimeNs.toString(16)}`
  const size = Number(info.size)
  return {
    size,
    etag: `"${version}"`,
    modifiedMs: Number(info.mtimeMs),
    type: contentTypeOf(file),
    cacheControl: cacheControlOf(file),
    identity: `${file} ${version}`,
    read: range => readFile(file, range ?? { from: 0, to: size }, info.mtimeNs, info.size),
  }
}

/** Opens the file at the first pull; errors when it is no longer the file that was promised. */
function readFile(file: string, range: ByteRange, mtimeNs: bigint, size: bigint): ReadableStream<Uint8Array> {
  let handle: Awaited<ReturnType<typeof open>> | null = null
  let at = range.from
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!handle) {
          handle = await open(file, 'r')
          const now = await handle.stat({ bigint: true })
          if (now.mtimeNs !== mtimeNs || now.size !== size) {
            await handle.close()
            throw new Error('the file changed')
          }
        }
        const want = Math.min(chunkBytes, range.to - at)
        const { bytesRead, buffer } =
          want > 0
            ? await handle.read(Buffer.allocUnsafeSlow(want), 0, want, at)
            : { bytesRead: 0, buffer: null }
        if (want > 0 && bytesRead === 0) {
          await handle.close()
          throw new Error('the file was cut')
        }
        at += bytesRead
        if (buffer) controller.enqueue(buffer.subarray(0, bytesRead))
        if (at >= range.to) {
          await handle.close()
          controller.close()
        }
      },
      async cancel() {
        await handle?.close()
      },
    },
    { highWaterMark: 0 },
  )
}
