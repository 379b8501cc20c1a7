export { createWorkerClock } from '../../../player-plugin/src/worker-clock.ts'
