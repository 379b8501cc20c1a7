/** Watches or shapes a body on its way out, chunk by chunk, with its back-pressure kept. */
export interface BodyStage {
  /** What goes on instead of `chunk`; throwing breaks the connection. */
  onChunk?(chunk: Uint8Array, offset: number): Promise<Uint8Array> | Uint8Array
  /** Once: the body ended, or did not (`broken`: an error of ours; `left`: the client went away). */
  onEnd?(how: 'complete' | 'broken' | 'left'): void
}

export function stageBody(body: ReadableStream<Uint8Array>, stage: BodyStage): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let offset = 0
  let ended = false
  const end = (how: 'complete' | 'broken' | 'left') => {
    if (ended) return
    ended = true
    stage.onEnd?.(how)
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            end('complete')
            controller.close()
            return
          }
          const chunk = stage.onChunk ? await stage.onChunk(value, offset) : value
          offset += value.length
          // The client may have left while the chunk waited.
          if (!ended) controller.enqueue(chunk)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          end('broken')
          throw error
        }
      },
      async cancel(reason) {
        end('left')
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** The same bytes in chunks of at most `bytes`. */
export function sliceBody(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let rest: Uint8Array | null = null
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!rest || rest.length === 0) {
          const { done, value } = await reader.read()
          if (done) return controller.close()
          rest = value
        }
        controller.enqueue(rest.subarray(0, bytes))
        rest = rest.subarray(bytes)
      },
      cancel: reason => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/**
 * Breaks the connection when the body breaks. An error left in the stream would end the same way today, but only because
 * @hono/node-server 2.1 destroys the socket before the error text that it appends to the body is sent; and it prints
 * a stack for each, though a viewer's or an origin's connection that breaks is no fault of ours.
 */
export function severBody(body: ReadableStream<Uint8Array>, sever: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await reader.read().catch(() => null)
        // Left pending: the server cancels it when it sees the connection gone.
        if (!next) return sever()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: reason => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
