/** The distinct weights of a set, and which of them each index has. There are few of them, however many endpoints. */
export interface WeightGroups {
  readonly weights: readonly number[]
  /** By index: position in `weights`. */
  readonly groupOf: Int32Array
  /** By group: its indices, rising. */
  readonly members: readonly (readonly number[])[]
}

/** Groups indices by weight, groups in the order of their first index. */
export function groupByWeight(weights: Float64Array): WeightGroups {
  const groups = new Map<number, number>()
  const groupOf = new Int32Array(weights.length)
  const members: number[][] = []
  for (const [index, weight] of weights.entries()) {
    const group = groups.get(weight) ?? groups.size
    groups.set(weight, group)
    groupOf[index] = group
    members[group] ??= []
    members[group].push(index)
  }
  return { weights: [...groups.keys()], groupOf, members }
}
