import Hls from 'hls.js'
import type { SubjectFactory } from './subject.ts'

/** The player alone. */
export const createPlain: SubjectFactory = ({ hls }) => ({
  hls: new Hls(hls),
  links: () => 0,
  bytes: () => null,
  detail: async () => null,
})
