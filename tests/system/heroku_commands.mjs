// Commands of the official CLI one after the other in one process, for each start of it takes more
// than a second of a processor. A line of the file that is named holds a command's words, a line of
// stdout its exit status and what it said. It is run as bin/run.js runs it: by `execute` of oclif,
// which is `run` and then `handle`, but that the process goes on. Standard input is the commands'.
import {readSync} from 'node:fs'
import {createRequire} from 'node:module'

const [entry, commands] = process.argv.slice(2)
const require = createRequire(entry)
const {run} = require('@oclif/core')
const {Exit, handle} = require('@oclif/core/handle')

const answer = process.stdout.write.bind(process.stdout)
let said = ''
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (text, encoding, done) => {
    said += typeof text === 'string' ? text : Buffer.from(text).toString()
    const then = typeof encoding === 'function' ? encoding : done
    if (then) process.nextTick(then)
    return true
  }
}

let status = 0
Exit.exit = (code = 0) => {
  status = code
}

function nextLine() {
  const piece = Buffer.alloc(4096)
  let line = ''
  while (!line.endsWith('\n')) {
    const count = readSync(Number(commands), piece)
    if (count === 0) return ''
    line += piece.toString('utf8', 0, count)
  }
  return line
}

for (let line = nextLine(); line; line = nextLine()) {
  const words = JSON.parse(line)
  said = ''
  status = 0
  process.exitCode = undefined
  process.argv = [process.argv[0], entry, ...words]
  await run(words, entry).catch(handle)
  await new Promise((resolve) => setImmediate(resolve))
  answer(JSON.stringify({status: status || process.exitCode || 0, said}) + '\n')
}
