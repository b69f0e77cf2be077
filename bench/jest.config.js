import preset from '../jest.preset.js'

// The benchmark is run by Node as it is, so its imports end in .ts and need no mapping.
export default { ...preset, moduleNameMapper: {} }
