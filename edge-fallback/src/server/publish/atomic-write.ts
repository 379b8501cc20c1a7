import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Readers see the old file or the new one, never a part: written beside it under a hidden name, then renamed. */
export async function writeAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const aside = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.tmp`)
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeFile(aside, content)
    await rename(aside, file)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}
