import { expect, it } from '@jest/globals'
import { against, instance } from './against.js'

const health = {
  status: 'healthy',
  version: '0.1.0',
  uptime_seconds: 1,
  database: 'ok',
  templates: 1,
  instances: { total: 2, healthy: 2, unhealthy: 0 },
}
const template = {
  name: 'search',
  status: 'healthy',
  total_instances: 2,
  healthy_instances: 2,
  catalogue_differs: true,
  settings: {},
  effective_settings: {},
}
const registered = { instances: [instance], load_balancer: {}, catalogue_differs: true }
const routes = {
  'GET /gateway/health': health,
  'GET /gateway/templates': { templates: [template], count: 1 },
  'GET /gateway/templates/search': template,
  'GET /gateway/registry': { templates: { search: registered }, stats: {} },
}

it.each([[['status']], [['show', 'search']]])('%s says that the instances of a template differ', async (command) => {
  const { code, stdout } = await against(routes, ['gateway', ...command])
  expect(code).toBe(0)
  expect(stdout).toContain('The instances of search offer different tools:')
})

it('doctor says so too, and what to do', async () => {
  const { stdout } = await against(routes, ['gateway', 'doctor', '--json'])
  const { findings }: { findings: { check: string }[] } = JSON.parse(stdout)
  expect(findings.filter(({ check }) => check === 'catalogue')).toMatchObject([
    { level: 'warning', fix: 'bring its servers to the same version' },
  ])
})
