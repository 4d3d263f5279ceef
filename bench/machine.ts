/** What the operating system knows: memory and CPU of processes, and how busy others kept the machine. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** CPU time that a process has used so far, all threads, in milliseconds. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    } catch {
      // the thread ended between the two reads
    }
  }
  return nanoseconds / 1e6
}

/** That of its first thread alone, on which workerd runs everything of an isolate. */
export function mainThreadMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

export type Load = { loadAverage: number; othersShare: number }

/** @returns a function that says, for the time since, what share of the machine went to processes that are not ours */
export function watchLoad(): () => Load {
  const [busy, all] = machineTicks()
  const ours = ownTicks()
  return () => {
    const [busyNow, allNow] = machineTicks()
    const others = busyNow - busy - (ownTicks() - ours)
    return { loadAverage: os.loadavg()[0] ?? 0, othersShare: Math.max(0, others / (allNow - all)) }
  }
}

export function describeMachine() {
  return { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version }
}

/** Ticks that all processors together were busy, and that passed. */
function machineTicks(): [busy: number, all: number] {
  const fields = /^cpu\s+(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  const all = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0)
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0)
  return [all - idle, all]
}

/** Ticks of this process and of everything below it, children that have ended included. */
function ownTicks(): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat)
  const own = new Set([process.pid])
  // Parents may come after their children.
  for (let known = 0; known !== own.size; ) {
    known = own.size
    for (const { pid, parent } of processes) if (own.has(parent)) own.add(pid)
  }
  return processes.filter(({ pid }) => own.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0)
}

function readStat(pid: string): { pid: number; parent: number; ticks: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold spaces; fields are counted from behind it.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + field, 0)
    return [{ pid: Number(pid), parent: fields[1] ?? 0, ticks }]
  } catch {
    return [] // it ended between the two reads
  }
}
