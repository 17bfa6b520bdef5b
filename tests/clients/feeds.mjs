// Fetches the feed at argv[3] with the client named in argv[2] and prints {status, etag, items} as JSON, each of the items as
// {id, title, byline, files}: whom it names as author, and the addresses of the pictures and recordings it offers.
// argv[4], where given, is the entity tag of what was fetched before; items are null where that is still the newest.
import { parseFeed } from 'feedsmith'
import Parser from 'rss-parser'

const [, , client, url, etag] = process.argv

// feedsmith only parses: it is used with the fetch that comes with node.
async function feedsmith() {
  const response = await fetch(url, { headers: etag ? { 'If-None-Match': etag } : {} })
  const seen = { status: response.status, etag: response.headers.get('etag') }
  if (response.status !== 200) return { ...seen, items: null }
  const { format, feed } = parseFeed(await response.text())
  const items = (format === 'atom' ? feed.entries : feed.items) ?? []
  return {
    ...seen,
    items: items.map((item) => ({
      id: item.guid?.value ?? item.id,
      title: item.title?.value ?? item.title,
      byline: (item.authors ?? []).map((author) => author.name).concat(item.dc?.creators ?? []).join(', '),
      files: [
        ...(item.enclosures ?? item.attachments ?? []).map((file) => file.url),
        ...(item.links ?? []).filter((link) => link.rel === 'enclosure').map((link) => link.href),
        ...(item.image ? [item.image] : []),
      ],
    })),
  }
}

// rss-parser fetches by itself, without conditions and without gzip.
async function rssParser() {
  const feed = await new Parser().parseURL(url)
  return {
    status: 200,
    etag: null,
    items: feed.items.map((item) => ({
      id: item.guid ?? item.id,
      title: item.title,
      byline: item.creator ?? item.author ?? '',
      files: item.enclosure ? [item.enclosure.url] : [],
    })),
  }
}

const clients = { feedsmith, 'rss-parser': rssParser }
process.stdout.write(JSON.stringify(await clients[client]()))
