import type { ExplainInstance, ExplainView } from '@mcp-platform/contract'
import type { Tally } from '../counts.js'
import type { Route } from '../route.js'
import { circuitOf } from './instances.js'

type Explained = ReturnType<Route['balancer']['explain']>[number]

/** `GET /gateway/explain`: the balancer's own answer, in words. */
export function explainView(route: Route, tally: Tally): ExplainView {
  const explained = route.balancer.explain()
  const picked = explained.find(({ verdict }) => verdict === 'picked')
  return {
    template: route.template,
    strategy: route.settings.strategy,
    picked: picked?.id ?? null,
    reason: picked ? `${route.settings.strategy} prefers ${picked.id} now` : noneReason(explained),
    instances: explained.map((one) => explainInstance(route, one, tally)),
  }
}

function noneReason(explained: readonly Explained[]): string {
  return explained.length === 0 ? 'the template has no instance' : 'no instance is available'
}

function explainInstance(route: Route, one: Explained, tally: Tally): ExplainInstance {
  const view = route.health.view(one.id)
  const endpoint = route.endpoint(one.id)
  return {
    instance_id: one.id,
    picked: one.verdict === 'picked',
    available: view?.available ?? false,
    reason: route.isSpared(one.id)
      ? `is in ${endpoint?.instance.region ?? 'another region'}, for when nothing of this region is available`
      : sentence(one, view?.status ?? 'starting', view?.probe.reason ?? view?.lastError),
    status: view?.status ?? 'starting',
    circuit: circuitOf(view),
    weight: endpoint?.weight ?? 0,
    effective_weight: (endpoint?.weight ?? 0) * (view?.share ?? 0),
    share: view?.share ?? 0,
    in_flight: tally.inFlight(one.inFlight, route.template, one.id),
    max_in_flight: endpoint?.maxInFlight ?? 0,
    latency_ms: one.latencyMs === undefined ? null : Math.round(one.latencyMs * 100) / 100,
    score: one.score,
  }
}

function sentence(one: Explained, status: string, why: string | undefined): string {
  switch (one.verdict) {
    case 'picked':
      return 'would get the next call'
    case 'eligible':
      return 'available, but another one is preferred'
    case 'full':
      return 'has as many calls in flight as it may'
    case 'excluded':
      return 'was tried already'
    case 'weight_zero':
      return 'has weight 0: takes no new calls'
    default:
      return why === undefined || why === status ? `is ${status}` : `is ${status}: ${why}`
  }
}
