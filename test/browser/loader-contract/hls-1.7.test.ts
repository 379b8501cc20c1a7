import { loaderContract } from './suite.ts'

loaderContract('hls.js')
