// Verifies webhooks given as [{secret, headers, body}] on standard input with the npm client named in argv[2]
// ("standardwebhooks" or "svix") and prints how many were good; the first bad one is an error.
import { Webhook as Standard } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const requests = JSON.parse(Buffer.concat(chunks).toString('utf-8'))
const Webhook = { standardwebhooks: Standard, svix: Svix }[process.argv[2]]
for (const { secret, headers, body } of requests) new Webhook(secret).verify(body, headers)
process.stdout.write(String(requests.length))
