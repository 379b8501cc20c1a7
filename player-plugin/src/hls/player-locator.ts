import type { HlsLike } from './hls-like.ts'

/** A class that hls.js constructs with itself as the argument, in its constructor. */
type Controller = new (hls: HlsLike) => object

/**
 * `new Hls({ ...nearcast.hlsConfig() })` must tell us which instance it made, and hls.js gives a loader only its
 * config. But every controller class in the config is constructed with the instance. This stands in for the
 * frame-rate controller (in every build of 1.5 to 1.7, and hardly ever replaced): it reports the instance and
 * returns the controller that this very build of hls.js would have used, so nothing else changes.
 *
 * An interstitial's player copies its primary's configuration and so comes along here too: `assetPlayerId` tells.
 */
export function locatorController(onPlayer: (hls: HlsLike) => void): Controller {
  class NearcastLocator {
    constructor(hls: HlsLike) {
      onPlayer(hls)
      // biome-ignore lint/correctness/noConstructorReturn: `new` must give hls.js its own controller
      return standard(hls, NearcastLocator) ?? new Idle()
    }
  }
  return NearcastLocator as Controller
}

function standard(hls: HlsLike, ours: unknown): object | null {
  const { DefaultConfig } = hls.constructor as unknown as { DefaultConfig?: { fpsController?: Controller } }
  const Standard = DefaultConfig?.fpsController
  // Someone wrote our config into Hls.DefaultConfig: the original is gone.
  return Standard && Standard !== ours ? new Standard(hls) : null
}

/** All that hls.js calls on a frame-rate controller. */
class Idle {
  setStreamController(): void {}
  destroy(): void {}
}
