/** The Redis of a development run: a genuine server when REDIS_URL names one, else the engine with its data in a file. */
import { readFile, writeFile } from 'node:fs/promises'
import { createRedisEngine } from './redis/engine.ts'
import { connectRedisServer } from './redis/server-client.ts'
