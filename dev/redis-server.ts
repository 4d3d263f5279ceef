/**
 * Starts a genuine redis-server for tests, when the machine has one: on 127.0.0.1, a free port, nothing on disk.
 * Runs the program that REDIS_SERVER names, else the first `redis-server` on PATH.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'
import { withoutSettings } from '../ops/child-environment.ts'
import { freePort, LOOPBACK } from './local-server.ts'

export type RedisServer = {
  /** redis://127.0.0.1:PORT */
  url: string
  port: number
  stop(): Promise<void>
}

/** @returns the program's path, or null when there is none; refuses a REDIS_SERVER that is not a program */
export function findRedisServer(env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.REDIS_SERVER) {
    if (!isProgram(env.REDIS_SERVER)) throw new Error(`REDIS_SERVER: ${env.REDIS_SERVER} is not a program`)
    return env.REDIS_SERVER
  }
  const directories = (env.PATH ?? '').split(path.delimiter).filter((directory) => directory !== '')
  return directories.map((directory) => path.join(directory, 'redis-server')).find(isProgram) ?? null
}

/** @returns null when the machine has no redis-server */
export async function startRedisServer(): Promise<RedisServer | null> {
  const program = findRedisServer()
  if (program === null) return null
  const port = await freePort()
  const nothingOnDisk = ['--save', '', '--appendonly', 'no', '--dir', '/']
  const args = ['--port', String(port), '--bind', LOOPBACK, ...nothingOnDisk]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutSettings(process.env),
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const kill = () => {
    child.kill('SIGKILL') // it has nothing to save
  }
  process.once('exit', kill)
  await untilReady(child)
  const stop = async () => {
    process.off('exit', kill)
    kill()
    await ended
  }
  return { url: `redis://${LOOPBACK}:${port}`, port, stop }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('Ready to accept connections')) resolve()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`redis-server ended with code ${code}\n${output}`)))
  })
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
