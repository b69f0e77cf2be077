const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
// Each step doubles the work; a login must not take a minute because somebody imported a hash.
const MAX_COST = 14

/** True for a bcrypt hash that can be checked in reasonable time. */
export function isBcrypt(hash: string): boolean {
  const cost = BCRYPT.exec(hash)?.[1]
  return cost !== undefined && Number(cost) >= 4 && Number(cost) <= MAX_COST
}
