import { createMemoryHub } from '@nearcast/tracker'
import { hubContract } from './hub-contract.ts'

hubContract('a hub in memory', () => createMemoryHub())
