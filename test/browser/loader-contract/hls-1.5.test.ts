import { loaderContract } from './suite.ts'

loaderContract('hls.js-1.5')
