// The program of a function's process for Node.js: it takes the place of function_program.py once the package is unpacked.
//
// It speaks what that module describes, from "ready" on, over the socket whose descriptor is its argument. In between
// invocations it waits in a blocking read, so that nothing else goes on, as in a frozen environment of Lambda.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

const SOCKET = Number(process.argv[2])
const LEVELS = { debug: 'DEBUG', error: 'ERROR', info: 'INFO', log: 'INFO', trace: 'TRACE', warn: 'WARN' }

let requestId = ''

class RuntimeFault extends Error {
  constructor (kind, message) {
    super(message)
    this.name = kind
  }
}

function read (size) {
  const octets = Buffer.alloc(size)
  for (let at = 0; at < size;) {
    const count = fs.readSync(SOCKET, octets, at, size - at, null)
    if (count === 0) process.exit(1) // the host is gone
    at += count
  }
  return octets
}

function receive () {
  const line = []
  for (let octet = read(1)[0]; octet !== 10; octet = read(1)[0]) line.push(octet)
  const header = JSON.parse(Buffer.from(line).toString())
  requestId = header.id
  return [header, JSON.parse(read(header.size).toString())]
}

function send (kind, text = '') {
  const body = Buffer.from(text)
  const header = Buffer.from(JSON.stringify({ kind, id: requestId, size: body.length }) + '\n')
  const message = Buffer.concat([header, body])
  for (let at = 0; at < message.length;) at += fs.writeSync(SOCKET, message, at)
}

// The error object of `error`, which is written to the log as well.
function told (error, what) {
  const known = error instanceof Error
  const told = {
    errorType: known ? error.name : typeof error,
    errorMessage: known ? error.message : String(error),
    trace: known ? String(error.stack).split('\n') : []
  }
  write('ERROR', `${what}\t${JSON.stringify(told)}`)
  return JSON.stringify(told)
}

function write (level, text) {
  const line = [new Date().toISOString(), requestId || 'undefined', level, text].join('\t')
  process.stdout.write(line.replaceAll('\n', '\r') + '\n')
}

// The function that `name` (directory/module.export) stands for.
async function load (root, name) {
  const [, place, exported] = /^((?:.*\/)?[^./]+)\.(.+)$/.exec(name) ?? []
  if (place === undefined) throw new RuntimeFault('Runtime.MalformedHandlerName', 'Bad handler')
  const base = path.join(root, place)
  const file = ['.js', '.mjs', '.cjs'].map(ending => base + ending).find(file => fs.existsSync(file))
  if (file === undefined) {
    throw new RuntimeFault('Runtime.ImportModuleError', `Error: Cannot find module '${path.basename(base)}'`)
  }
  const module = await imported(file)
  const steps = exported.split('.')
  const found = [module, module.default].map(start => steps.reduce((value, step) => value?.[step], start))
  const handler = found.find(value => value !== undefined)
  if (typeof handler !== 'function') {
    const text = `${name} is ${handler === undefined ? 'undefined or not exported' : 'not a function'}`
    throw new RuntimeFault('Runtime.HandlerNotFound', text)
  }
  return handler
}

async function imported (file) {
  try {
    return await import(pathToFileURL(file))
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeFault('Runtime.UserCodeSyntaxError', String(error))
    const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error?.code)
    throw missing ? new RuntimeFault('Runtime.ImportModuleError', String(error)) : error
  }
}

function contextOf (header) {
  const { env } = process
  return {
    awsRequestId: header.id,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: header.client_context ?? undefined,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    getRemainingTimeInMillis: () => Math.max(0, header.deadline - Date.now()),
    identity: undefined,
    invokedFunctionArn: header.arn,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE
  }
}

// What the handler returns, or gives to its callback where it takes one.
function invoked (handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, answer) => error === null || error === undefined ? resolve(answer) : reject(error)
    const answer = handler(event, context, callback)
    if (typeof answer?.then === 'function') answer.then(resolve, reject)
    else if (handler.length < 3) resolve(answer)
  })
}

function fatal (error) {
  send('fatal', told(error, 'Uncaught Exception'))
  process.exit(1)
}

process.on('uncaughtException', fatal)
process.on('unhandledRejection', reason => {
  fatal(new RuntimeFault('Runtime.UnhandledPromiseRejection', String(reason)))
})
for (const [name, level] of Object.entries(LEVELS)) console[name] = (...told) => write(level, format(...told))

const handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER)
send('ready')
for (;;) {
  const [header, event] = receive()
  try {
    send('result', JSON.stringify(await invoked(handler, event, contextOf(header))) ?? 'null')
  } catch (error) {
    send('error', told(error, 'Invoke Error'))
  }
}
