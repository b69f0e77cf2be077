import type { AuditStore, IdentityStore } from '@mcp-platform/auth'
import { DatabaseDownError, type DatabaseWatch } from '../database/watch.js'

/** An identity store whose answers are watched; while the database is down, changes are told at once. */
export function watchedIdentityStore(store: IdentityStore, watch: DatabaseWatch): IdentityStore {
  return {
    load: () => watch.read(() => store.load()),
    changesSince: (version) => watch.read(() => store.changesSince(version)),
    commit: (changes, expected, audit) => watch.write(() => store.commit(changes, expected, audit)),
    passwordHash: (user) => watch.read(() => store.passwordHash(user)),
    replacePasswordHash: (user, from, to) => watch.write(() => store.replacePasswordHash(user, from, to)),
    recordUse: (uses) => watch.write(() => store.recordUse(uses)),
    lastUses: () => watch.read(() => store.lastUses()),
    sweep: (before) => watch.write(() => store.sweep(before)),
  }
}

/**
 * The same for the audit trail: events go to the spool at once while the database is down. When the gateway stops
 * (`isClosing`) nobody waits to find out whether it is back.
 */
export function watchedAuditStore(store: AuditStore, watch: DatabaseWatch, isClosing: () => boolean): AuditStore {
  return {
    append: async (events) => {
      if (isClosing() && watch.state === 'unavailable') throw new DatabaseDownError(undefined)
      await watch.write(() => store.append(events))
    },
    query: (query) => watch.read(() => store.query(query)),
    records: () => store.records(),
    checkpoints: () => watch.read(() => store.checkpoints()),
    sweep: (before, limit) => watch.write(() => store.sweep(before, limit)),
  }
}
