/** The first of `<template>-1`, `<template>-2`, … that is free: the same state gives the same id. */
export function nextFreeId(template: string, taken: (id: string) => boolean): string {
  for (let n = 1; ; n += 1) {
    const id = `${template}-${n}`
    if (!taken(id)) return id
  }
}
