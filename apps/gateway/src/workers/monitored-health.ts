import type { HealthTarget, RouteHealth } from '@mcp-platform/gateway-core'
import type { HealthMonitor } from '@mcp-platform/health'

/** What a process answers otherwise than its monitor would. */
export type OwnAnswers = Partial<Pick<RouteHealth, 'probeNow' | 'suspect' | 'view'>>

/** The health of a template as a monitor of this process has it, but for what other processes know better. */
export function monitoredHealth(monitor: HealthMonitor<HealthTarget>, own: OwnAnswers): RouteHealth {
  return {
    get version() {
      return monitor.version
    },
    start: () => monitor.start(),
    isAvailable: (id) => monitor.isAvailable(id),
    share: (id) => monitor.share(id),
    penalty: (id) => monitor.penalty(id),
    acceptsPinned: (id) => monitor.acceptsPinned(id),
    lastResort: (id) => monitor.lastResort(id),
    observe: (id, report) => monitor.observe(id, report),
    update: (targets) => monitor.update(targets),
    setAdmin: (id, admin) => monitor.setAdmin(id, admin),
    probeNow: (id) => monitor.probeNow(id),
    suspect: (id, cause, by) => monitor.suspect(id, cause, by),
    view: (id) => monitor.view(id),
    stats: () => monitor.stats(),
    close: () => monitor.close(),
    ...own,
  }
}
