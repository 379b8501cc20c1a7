export { createWeriftWrtc, type WeriftOptions } from './werift-wrtc.ts'
