// Every call of Segment's Node SDK against one host; prints each request body that it sent, in base64, one a line.
import { createRequire } from 'node:module'
const { Analytics } = createRequire(process.argv[2] + '/')('@segment/analytics-node')

const analytics = new Analytics({
  writeKey: process.argv[4],
  host: process.argv[3],
  flushAt: 4,
  maxRetries: 3,
  httpClient: async (url, init) => {
    console.log(Buffer.from(init.body).toString('base64'))
    return fetch(url, init)
  },
})
analytics.on('error', (error) => { console.error(error); process.exitCode = 1 })
const context = { page: { title: 'Größe "M" ✓' } }
analytics.identify({ userId: 'u1', traits: { email: 'a@b.example', logins: 5, ratio: 0.1 } })
analytics.track({ userId: 'u1', event: 'Order Completed', properties: { order_id: 'W-1', total: 39.8, products: [] }, context })
analytics.page({ anonymousId: 'a1', name: 'Home', category: 'Shop', properties: { url: 'https://shop.example/' } })
analytics.screen({ userId: 'u1', name: 'Cart', properties: { 'näme': '\u2028\u{1F600}\\ \n\t' } })
analytics.group({ userId: 'u1', groupId: 'g1', traits: { name: 'Initech' } })
analytics.alias({ userId: 'u1', previousId: 'a1' })
await analytics.closeAndFlush()
