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
export async function fileResource(file: string, openFile: typeof open = open): Promise<Resource | null> {
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
    read: range => readFile(file, range ?? { from: 0, to: size }, info.mtimeNs, info.size, openFile),
  }
}

/** Opens the file at the first pull; errors when it is no longer the file that was promised. */
function readFile(
  file: string,
  range: ByteRange,
  mtimeNs: bigint,
  size: bigint,
  openFile: typeof open,
): ReadableStream<Uint8Array> {
  let opening: ReturnType<typeof open> | null = null
  let at = range.from
  // The client may leave while the file is still being opened.
  const close = async () => (await opening?.catch(() => null))?.close()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const isNew = opening === null
          opening ??= openFile(file, 'r')
          const handle = await opening
          if (isNew) {
            const now = await handle.stat({ bigint: true })
            if (now.mtimeNs !== mtimeNs || now.size !== size) throw new Error('the file changed')
          }
          const want = Math.min(chunkBytes, range.to - at)
          if (want > 0) {
            const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(want), 0, want, at)
            if (bytesRead === 0) throw new Error('the file was cut')
            at += bytesRead
            controller.enqueue(buffer.subarray(0, bytesRead))
          }
          if (at < range.to) return
          await close()
          controller.close()
        } catch (error) {
          await close()
          throw error
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}
