// The Node.js runtime: a client of the Runtime API for handlers of CommonJS and ES modules, asynchronous or with a callback.
//
// It imports nothing but what comes with Node.js. Texts are those of AWS's runtime.

import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true })
const LEVELS = { debug: 'DEBUG', error: 'ERROR', info: 'INFO', log: 'INFO', trace: 'TRACE', warn: 'WARN' }

let requestId = ''
let drained = () => {}

class RuntimeFault extends Error {
  constructor (kind, message) {
    super(message)
    this.name = kind
  }
}

// The answer to a request of the Runtime API: its headers and its body.
function call (method, place, body = '', headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { agent, host, port, method, path: `/2018-06-01/runtime${place}` }
    headers = { ...headers, 'Content-Length': Buffer.byteLength(body) }
    const request = http.request({ ...options, headers }, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('end', () => resolve([answer.headers, Buffer.concat(chunks).toString()]))
    })
    request.on('error', reject)
    request.end(body)
  })
}

function fail (place, error, what) {
  const body = told(error, what)
  return call('POST', place, body, { 'Lambda-Runtime-Function-Error-Type': JSON.parse(body).errorType })
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

function contextOf (headers) {
  const { env } = process
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  const client = headers['lambda-runtime-client-context']
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: client === undefined ? undefined : JSON.parse(client),
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE
  }
}

// What the handler returns, or gives to its callback: then once nothing is left to wait for, unless it said otherwise.
// A handler that never answers has answered with null by then.
function invoked (handler, event, context) {
  return new Promise((resolve, reject) => {
    drained = () => resolve(null)
    const callback = (error, answer) => {
      const settle = () => error === null || error === undefined ? resolve(answer) : reject(error)
      if (context.callbackWaitsForEmptyEventLoop && !(error instanceof Error)) drained = settle
      else settle()
    }
    const answer = handler(event, context, callback)
    if (typeof answer?.then === 'function') answer.then(resolve, reject)
    else if (handler.length < 3) resolve(answer)
  })
}

async function serve (handler) {
  drained = () => {}
  const [headers, event] = await call('GET', '/invocation/next')
  requestId = headers['lambda-runtime-aws-request-id']
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id']
  try {
    const answer = JSON.stringify(await invoked(handler, JSON.parse(event), contextOf(headers))) ?? 'null'
    await call('POST', `/invocation/${requestId}/response`, answer)
  } catch (error) {
    await fail(`/invocation/${requestId}/error`, error, 'Invoke Error')
  }
}

let failing = false

async function fatal (error) {
  if (failing) return
  failing = true
  const place = requestId === '' ? '/init/error' : `/invocation/${requestId}/error`
  await fail(place, error, 'Uncaught Exception')
  process.exit(1)
}

process.on('beforeExit', () => drained())
process.on('uncaughtException', fatal)
process.on('unhandledRejection', reason => {
  fatal(new RuntimeFault('Runtime.UnhandledPromiseRejection', String(reason)))
})
for (const [name, level] of Object.entries(LEVELS)) console[name] = (...told) => write(level, format(...told))

const handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER).catch(fatal)
while (!failing) await serve(handler)
