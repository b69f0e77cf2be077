/*
 * Why: whether the documentation pages really render can only a browser say: a strict content security policy, a renamed bundle or a
 * script that asks a CDN would leave a blank page behind a 200. So this script starts a gateway, opens /docs and /redoc in Debian's
 * Chromium, and fails on an outside request, an error in the page, or a page that does not show the API.
 * Needs: Chromium (`apt-get install chromium`, or CHROMIUM=/path). Screenshots go to the folder named by SCREENSHOTS, if it is set.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'
import { Tally } from './lib/tally.ts'
import { root } from './lib/workspace.ts'

const READY_WITHIN_MS = 120_000
const SHOWN_WITHIN_MS = 60_000
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const screenshots = process.env['SCREENSHOTS']
const tally = new Tally()

/** A page and a text that it shows only when its scripts have run. */
const PAGES = [
  { path: '/docs', shows: 'tools/call' },
  { path: '/redoc', shows: 'tools/call' },
] as const

if (existsSync(executablePath)) await checkPages()
else tally.check([`there is no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM`])
tally.finish()

async function checkPages(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpp-browser-'))
  const port = await freePort()
  const gateway = spawn(
    process.execPath,
    [join(root, 'apps/cli/bin/run.js'), 'gateway', 'start', '--port', String(port)],
    {
      env: { ...process.env, MCPP_STATE_DIR: folder, PORT: '' },
      stdio: 'ignore',
    },
  )
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    await ready(`http://127.0.0.1:${port}/health/ready`)
    for (const page of PAGES) tally.check(await faultsOf(browser, `http://127.0.0.1:${port}`, page))
  } finally {
    await browser.close()
    await ended(gateway)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function faultsOf(browser: Browser, base: string, { path, shows }: (typeof PAGES)[number]): Promise<string[]> {
  const faults: string[] = []
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${base}/`) && !/^(data|blob):/.test(url)) faults.push(`${path} asked for ${url}`)
  })
  page.on('pageerror', (error) => faults.push(`${path}: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`${path} logged ${message.text()}`)
  })
  await page.goto(base + path)
  const shown = page.getByText(shows).first().waitFor({ timeout: SHOWN_WITHIN_MS })
  await shown.catch(() => faults.push(`${path} does not show "${shows}" after ${SHOWN_WITHIN_MS / 1000} s`))
  if (screenshots !== undefined) {
    mkdirSync(screenshots, { recursive: true })
    await page.screenshot({ path: join(screenshots, `${path.slice(1)}.png`) })
  }
  await page.close()
  return faults
}

async function ready(url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
    if (performance.now() > deadline) throw new Error(`the gateway was not ready within ${READY_WITHIN_MS / 1000} s`)
    await sleep(100)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await Promise.race([exited, sleep(40_000).then(() => child.kill('SIGKILL'))])
}
