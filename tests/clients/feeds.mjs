// Reads a feed document from standard input with the client named in argv[2] and prints
// [{id, title, url}] as JSON, so that a test can compare what each client understood.
import { parseFeed } from 'feedsmith'
import Parser from 'rss-parser'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const text = Buffer.concat(chunks).toString('utf-8')

async function feedsmith() {
  const { format, feed } = parseFeed(text)
  const items = format === 'atom' ? feed.entries : feed.items
  return (items ?? []).map((item) => ({
    id: item.guid?.value ?? item.id,
    title: item.title?.value ?? item.title,
    url: item.link ?? item.url ?? item.links?.find((link) => !link.rel || link.rel === 'alternate')?.href,
  }))
}

async function rssParser() {
  const feed = await new Parser().parseString(text)
  return feed.items.map((item) => ({ id: item.guid ?? item.id, title: item.title, url: item.link }))
}

const clients = { feedsmith, 'rss-parser': rssParser }
process.stdout.write(JSON.stringify(await clients[process.argv[2]]()))
